/**
 * A line editor for terminals and for programs that only send lines: bytes in, bytes out, no input or output of its own.
 * Used by monitors for people; loop thread only.
 */
@NullMarked
package org.vportd.monitor.line;

import org.jspecify.annotations.NullMarked;
