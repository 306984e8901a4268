package org.vportd.guest;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Keeps one rig for all tests of a class, as booting takes long. After a failure it shows what daemon and guest said, and
 * the next test gets a new one.
 */
final class KeptRig implements BeforeEachCallback, AfterEachCallback, AfterAllCallback {
    private final Rig.Starter starter;
    private final String deviceOptions;
    private final Rig.MoreOptions more;
    private @Nullable Rig rig;

    KeptRig(Rig.Starter starter, String deviceOptions) {
        this(starter, deviceOptions, dir -> List.of());
    }

    KeptRig(Rig.Starter starter, Rig.MoreOptions more) {
        this(starter, "", more);
    }

    private KeptRig(Rig.Starter starter, String deviceOptions, Rig.MoreOptions more) {
        this.starter = starter;
        this.deviceOptions = deviceOptions;
        this.more = more;
    }

    Rig rig() {
        if (rig == null) {
            throw new IllegalStateException("only tests have a rig");
        }
        return rig;
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        if (rig == null) {
            rig = new Rig(starter, deviceOptions, more);
            rig.awaitGuest();
        }
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        if (rig == null) {
            return;
        }
        if (context.getExecutionException().isEmpty()) {
            String complaints = rig.finishTest();
            if (complaints.isEmpty()) {
                return;
            }
            discard(rig, context);
            throw new AssertionError("guest's kernel complains: " + complaints);
        }
        discard(rig, context);
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException {
        if (rig != null) {
            rig.close();
        }
    }

    private void discard(Rig failed, ExtensionContext context) throws IOException {
        System.out.println("=== " + context.getDisplayName() + failed.diagnosis());
        rig = null;
        failed.close();
    }
}
