/** The chardevs that are one descriptor or none: a class each. Loop thread only. */
@NullMarked
package org.vportd.chardev.backend;

import org.jspecify.annotations.NullMarked;
