/**
 * Chardevs made of others: several front-ends on one ({@link org.vportd.chardev.mux.MuxChardev}) and one front-end on
 * several ({@link org.vportd.chardev.mux.HubChardev}). Used through the table of types; loop thread only.
 */
@NullMarked
package org.vportd.chardev.mux;

import org.jspecify.annotations.NullMarked;
