package org.vportd.chardev.secure;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;

/** A list of rules, of which the first that matches decides; if none does, the policy of the list. */
final class ListAuthorization extends Authorization {
    /** Stands for the keys of all rules. */
    static final String RULE_KEYS = "rules.N.match|policy|format";

    static final Set<String> KEYS = Set.of("policy", RULE_KEYS);

    private static final Pattern RULE_KEY = Pattern.compile("rules\\.(0|[1-9][0-9]{0,3})\\.(match|policy|format)");
    private static final String ALLOW = "allow";
    private static final String DENY = "deny";

    private record Rule(Pattern match, boolean allows) {}

    private final boolean allowsOthers;
    private final List<Rule> rules;

    private ListAuthorization(boolean allowsOthers, List<Rule> rules) {
        this.allowsOthers = allowsOthers;
        this.rules = rules;
    }

    static boolean isRuleKey(String key) {
        return RULE_KEY.matcher(key).matches();
    }

    static ListAuthorization parse(Options options) throws ConfigException {
        List<Rule> rules = new ArrayList<>();
        long left = options.keys().stream().filter(ListAuthorization::isRuleKey).count();
        while (left > 0) {
            String prefix = "rules." + rules.size() + ".";
            left -= options.keys().stream()
                    .filter(key -> key.startsWith(prefix))
                    .count();
            rules.add(rule(options, prefix));
        }
        return new ListAuthorization(allows(options, "policy", DENY), List.copyOf(rules));
    }

    private static Rule rule(Options options, String prefix) throws ConfigException {
        String match = UserObjects.required(options, prefix + "match");
        UserObjects.required(options, prefix + "policy");
        boolean allows = allows(options, prefix + "policy", DENY);
        String format = UserObjects.choice(options, prefix + "format", "exact", "exact", "glob");
        return new Rule(format.equals("glob") ? glob(match) : Pattern.compile(Pattern.quote(match)), allows);
    }

    private static boolean allows(Options options, String key, String fallback) throws ConfigException {
        return UserObjects.choice(options, key, fallback, ALLOW, DENY).equals(ALLOW);
    }

    /** {@code *} stands for anything, {@code ?} for one character, everything else for itself. */
    private static Pattern glob(String text) {
        StringBuilder pattern = new StringBuilder();
        for (String part : text.split("(?<=[*?])|(?=[*?])", -1)) {
            pattern.append(
                    switch (part) {
                        case "*" -> ".*";
                        case "?" -> ".";
                        default -> Pattern.quote(part);
                    });
        }
        return Pattern.compile(pattern.toString(), Pattern.DOTALL);
    }

    @Override
    public boolean isAllowed(String identity) {
        for (Rule rule : rules) {
            if (rule.match().matcher(identity).matches()) {
                return rule.allows();
            }
        }
        return allowsOthers;
    }
}
