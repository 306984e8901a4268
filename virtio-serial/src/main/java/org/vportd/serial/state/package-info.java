/**
 * What a console device knows of its driver, apart from rings and memory: to be kept while the front-end is away, and to be
 * handed to another device when a guest moves. Values that do not change, and their form as bytes.
 *
 * <p>{@link org.vportd.serial.SerialDevice#save} makes them, {@link org.vportd.serial.SerialDevice#restore} takes them. Any
 * thread.
 */
@NullMarked
package org.vportd.serial.state;

import org.jspecify.annotations.NullMarked;
