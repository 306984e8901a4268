package org.vportd.daemon;

/** Starts the daemon. */
public final class Main {
    private Main() {}

    /**
     * Runs the command that the arguments name.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        String command = args.length == 0 ? "" : args[0];
        switch (command) {
            case "demo" -> System.out.println("vportd: the demo is not there yet");
            case "--print-capabilities" -> System.out.println("{\"type\": \"serial\"}");
            default -> {
                System.err.println("vportd: not there yet: command=" + command);
                System.exit(2);
            }
        }
    }
}
