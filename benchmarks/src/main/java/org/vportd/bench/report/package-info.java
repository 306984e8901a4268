/** What a run has found out, as tables, lines and a plot. */
@NullMarked
package org.vportd.bench.report;

import org.jspecify.annotations.NullMarked;
