package org.vportd.chardev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ChardevsTest {
    private ChardevFixture fixture;

    @BeforeEach
    void open() throws Exception {
        fixture = new ChardevFixture();
    }

    @AfterEach
    void close() throws Exception {
        fixture.close();
    }

    @Test
    @DisplayName("CH-03 null takes everything and never opens")
    void shouldTakeAllAndNeverOpenWhenNull() throws Exception {
        RecordingHandler front = fixture.front("null,id=c0");

        assertEquals(5, front.write("12345"));
        fixture.loop().settle();

        assertEquals(List.of(), front.events());
        assertFalse(front.frontend().isBackendOpen());
    }

    @Test
    @DisplayName("CH-01 an id is given once")
    void shouldRefuseSecondOfOneId() throws Exception {
        fixture.add("null,id=n");

        assertEquals("Chardev with id 'n' already exists", fixture.refusal("null,id=n"));
    }

    @Test
    @DisplayName("CH-02 one front-end for each chardev")
    void shouldRefuseSecondFrontend() throws Exception {
        Chardev chardev = fixture.add("null,id=c");
        fixture.attach(chardev);
        ChardevFrontend second = new ChardevFrontend(fixture.closing(new RecordingHandler()));

        ConfigException refused = assertThrows(ConfigException.class, () -> second.attach(chardev));

        assertEquals("chardev 'c' is already in use", refused.getMessage());
        assertFalse(second.isAttached());
    }

    @Test
    void shouldRefuseWhatCannotBeMade() {
        assertEquals("chardev: no id specified", fixture.refusal("null"));
        assertEquals("chardev: \"c\" missing backend", fixture.refusal("id=c"));
        assertEquals("'bogus' is not a valid char driver name", fixture.refusal("bogus,id=c"));
        assertEquals("Invalid parameter 'foo'", fixture.refusal("null,id=c,foo=1"));
    }

    @Test
    @DisplayName("CH-41 only what is there and not in use is removed")
    void shouldRemoveOnlyWhatIsNotInUse() throws Exception {
        Chardev chardev = fixture.add("ringbuf,id=c");
        assertSame(chardev, fixture.chardevs().find("c"));
        RecordingHandler front = fixture.attach(chardev);

        ConfigException busy =
                assertThrows(ConfigException.class, () -> fixture.chardevs().remove("c"));
        ConfigException missing =
                assertThrows(ConfigException.class, () -> fixture.chardevs().remove("x"));
        front.frontend().detach();
        fixture.chardevs().remove("c");

        assertEquals("Chardev 'c' is busy", busy.getMessage());
        assertEquals("Chardev 'x' not found", missing.getMessage());
        assertTrue(fixture.chardevs().all().isEmpty());
    }

    @Test
    void shouldTellChardevWhetherTheUserOfItsFrontendIsThere() throws Exception {
        Chardev chardev = fixture.add("null,id=c");
        RecordingHandler front = fixture.attach(chardev);
        assertTrue(chardev.isBusy());
        assertFalse(chardev.isFrontendOpen());

        front.frontend().setOpen(true);
        assertTrue(chardev.isFrontendOpen());
        front.frontend().detach();

        assertFalse(chardev.isFrontendOpen());
        assertEquals(4, front.write("drop"));
    }
}
