package org.vportd.daemon;

import java.util.LinkedHashMap;
import java.util.Map;
import org.vportd.chardev.ConfigException;
import org.vportd.chardev.Options;
import org.vportd.chardev.secure.UserObjects;
import org.vportd.monitor.ObjectControl;

/** The objects that the user has made, for monitors. Loop thread only. */
final class ObjectTable implements ObjectControl {
    private final UserObjects objects;
    private final MonitorTable monitors;

    ObjectTable(UserObjects objects, MonitorTable monitors) {
        this.objects = objects;
        this.monitors = monitors;
    }

    @Override
    public void add(String type, String id, Options options) throws ConfigException {
        Options whole = options.with(UserObjects.IMPLIED_KEY, type).with("id", id);
        if (MonitorConfig.isObject(whole)) {
            monitors.add(MonitorConfig.ofObject(whole));
        } else if (monitors.find(id) == null) {
            objects.add(whole);
        } else {
            throw MonitorTable.duplicate(id);
        }
    }

    @Override
    public Map<String, String> types() {
        Map<String, String> types = new LinkedHashMap<>(objects.types());
        types.putAll(monitors.types());
        return types;
    }

    @Override
    public void remove(String id) throws ConfigException {
        MonitorConfig monitor = monitors.find(id);
        if (monitor == null) {
            objects.remove(id);
        } else {
            monitors.remove(monitor);
        }
    }
}
