/** Copies of what chardevs have taken, kept in files. Loop thread only. */
@NullMarked
package org.vportd.chardev.record;

import org.jspecify.annotations.NullMarked;
