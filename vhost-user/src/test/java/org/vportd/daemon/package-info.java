/** Tests of the program, as a process and as classes. */
@NullMarked
package org.vportd.daemon;

import org.jspecify.annotations.NullMarked;
