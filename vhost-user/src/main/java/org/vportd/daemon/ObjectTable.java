package org.vportd.daemon;

import java.util.Map;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.monitor.ObjectControl;

/** The objects that the user has made, for monitors. Loop thread only. */
final class ObjectTable implements ObjectControl {
    private final UserObjects objects;

    ObjectTable(UserObjects objects) {
        this.objects = objects;
    }

    @Override
    public void add(String type, String id, Options options) throws ConfigException {
        objects.add(options.with(UserObjects.IMPLIED_KEY, type).with("id", id));
    }

    @Override
    public Map<String, String> types() {
        return objects.types();
    }

    @Override
    public void remove(String id) throws ConfigException {
        objects.remove(id);
    }
}
