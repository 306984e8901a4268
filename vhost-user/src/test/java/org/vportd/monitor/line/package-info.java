/** Tests of the line editor. */
@NullMarked
package org.vportd.monitor.line;

import org.jspecify.annotations.NullMarked;
