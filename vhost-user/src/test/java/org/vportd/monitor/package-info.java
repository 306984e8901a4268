/** Tests of the monitor against clients on real sockets. */
@NullMarked
package org.vportd.monitor;

import org.jspecify.annotations.NullMarked;
