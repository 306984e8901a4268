/** Tests of JSON as the monitor speaks it. */
@NullMarked
package org.vportd.monitor.json;

import org.jspecify.annotations.NullMarked;
