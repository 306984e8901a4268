/** The list of all types of chardev that the program has. Apart, so that the contract knows none of its implementations. */
@NullMarked
package org.vportd.chardev.builtin;

import org.jspecify.annotations.NullMarked;
