/** What stands at the other end of a character device, and of the plain loop that it is compared with. */
@NullMarked
package org.vportd.bench.peer;

import org.jspecify.annotations.NullMarked;
