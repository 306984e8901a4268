/**
 * Character devices: the contract between the end that speaks to the outside ({@link org.vportd.chardev.Chardev}) and the
 * end that uses it ({@link org.vportd.chardev.ChardevFrontend} with its {@link org.vportd.chardev.ChardevHandler}), the
 * options in which they are described, and the table of those that exist.
 *
 * <p>A chardev, its front-end and its descriptors belong to one loop thread. Words and behaviour are those of QEMU's
 * character devices; where the two differ, the class says so.
 */
@NullMarked
package org.vportd.chardev;

import org.jspecify.annotations.NullMarked;
