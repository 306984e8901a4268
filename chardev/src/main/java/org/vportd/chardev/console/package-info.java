/** A text console inside the program: a terminal of the VT family whose screen can be read. Loop thread only. */
@NullMarked
package org.vportd.chardev.console;

import org.jspecify.annotations.NullMarked;
