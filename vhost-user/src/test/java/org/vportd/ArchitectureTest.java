package org.vportd;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Keeps the arrows between modules and packages.
 *
 * <p>The modules form one line, {@code virtio-core <- chardev <- virtio-serial <- vhost-user}; the build already stops a
 * dependency against it. What the build cannot see is checked here: who may use which package of a module to its left.
 */
class ArchitectureTest {
    private static final String ROOT = "org.vportd.";
    private static final String POSIX = ROOT + "posix..";
    private static final String LOOP = ROOT + "loop..";
    private static final String HANDOVER = ROOT + "handover..";
    private static final String VIRTIO = ROOT + "virtio..";
    private static final String CHARDEV = ROOT + "chardev..";
    private static final String SERIAL = ROOT + "serial..";
    private static final String VHOST_USER = ROOT + "vhostuser..";
    private static final String PROTOCOL = ROOT + "vhostuser.protocol..";
    private static final String MONITOR = ROOT + "monitor..";
    private static final String DAEMON = ROOT + "daemon..";

    private static JavaClasses main;

    @BeforeAll
    static void importMainClasses() {
        main = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("org.vportd");
        assertFalse(main.isEmpty(), "no class of the project found on the class path");
    }

    @Test
    void shouldKeepVirtioCoreFreeOfEverythingAboveIt() {
        forbid(from(POSIX, LOOP, HANDOVER, VIRTIO), to(CHARDEV, SERIAL, VHOST_USER, MONITOR, DAEMON));
    }

    @Test
    void shouldKeepPosixFreeOfEverythingElse() {
        forbid(from(POSIX), to(LOOP, HANDOVER, VIRTIO));
    }

    @Test
    void shouldKeepLoopFreeOfVirtio() {
        forbid(from(LOOP), to(HANDOVER, VIRTIO));
    }

    @Test
    void shouldLetHandoverUseOnlyPosix() {
        forbid(from(HANDOVER), to(LOOP, VIRTIO));
    }

    /** What is handed over is packed by those above: rings and protocols know nothing of it. */
    @Test
    void shouldKeepVirtioAndProtocolFreeOfHandover() {
        forbid(from(VIRTIO, PROTOCOL), to(HANDOVER));
    }

    @Test
    void shouldLetChardevUseOnlyPosixLoopAndHandover() {
        forbid(from(CHARDEV), to(VIRTIO, SERIAL, VHOST_USER, MONITOR, DAEMON));
    }

    @Test
    void shouldKeepSerialFreeOfSocketsAndTheDaemon() {
        forbid(from(SERIAL), to(VHOST_USER, MONITOR, DAEMON));
        forbid(from(SERIAL), to("java.net..", "java.nio.channels.."));
    }

    @Test
    void shouldKeepVhostUserFreeOfTheDaemon() {
        forbid(from(VHOST_USER), to(MONITOR, DAEMON));
    }

    @Test
    void shouldKeepProtocolFreeOfInputAndOutput() {
        forbid(
                from(PROTOCOL),
                to(POSIX, LOOP, CHARDEV, SERIAL, "java.net..", "java.nio.channels..", "java.nio.file.."));
    }

    @Test
    void shouldKeepDaemonOnTop() {
        forbid(from(MONITOR), to(DAEMON));
    }

    @Test
    void shouldUseNativeLibrariesOnlyInPosix() {
        check(noClasses()
                .that()
                .resideOutsideOfPackage(POSIX)
                .should()
                .dependOnClassesThat(resideInAnyPackage("jnr..", "com.kenai.jffi.."))
                .because("org.vportd.posix is the one native boundary"));
    }

    @Test
    void shouldHaveNoPackageCycle() {
        check(slices().matching(ROOT + "(**)").should().beFreeOfCycles());
    }

    @Test
    void shouldPrintOnlyFromTheDaemon() {
        check(noClasses()
                .that()
                .resideOutsideOfPackage(DAEMON)
                .should(ACCESS_STANDARD_STREAMS)
                .because("only commands talk to the terminal; everything else logs"));
    }

    @Test
    void shouldNeverSleep() {
        check(noClasses()
                .should()
                .callMethod(Thread.class, "sleep", long.class)
                .orShould()
                .callMethod(Thread.class, "sleep", long.class, int.class)
                .because("threads wait on the event loop, with a deadline"));
    }

    private static String[] from(String... packages) {
        return packages;
    }

    private static String[] to(String... packages) {
        return packages;
    }

    private static void forbid(String[] from, String[] to) {
        check(noClasses().that(are(resideInAnyPackage(from))).should().dependOnClassesThat(resideInAnyPackage(to)));
    }

    /** Rules hold for packages that have no class yet, too. */
    private static void check(ArchRule rule) {
        rule.allowEmptyShould(true).check(main);
    }
}
