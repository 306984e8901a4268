/**
 * What values commands take and give: types that are declared once, check the arguments of a command, and describe
 * themselves to clients that ask for the schema. For the monitor only; immutable, any thread.
 */
@NullMarked
package org.vportd.monitor.schema;

import org.jspecify.annotations.NullMarked;
