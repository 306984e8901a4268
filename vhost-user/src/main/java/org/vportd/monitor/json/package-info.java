/**
 * JSON as the monitor speaks it: a stream of values without line discipline on the way in, one line for each on the way
 * out. A value is {@code null}, a {@link java.lang.Boolean}, a {@link java.lang.String}, a {@link java.lang.Long} (a {@link
 * java.math.BigInteger} from 2^63 to 2^64-1), a {@link java.lang.Double}, a {@link java.util.List} or a {@link
 * java.util.Map} in the order of its members. For the monitor only; one thread.
 */
@NullMarked
package org.vportd.monitor.json;

import org.jspecify.annotations.NullMarked;
