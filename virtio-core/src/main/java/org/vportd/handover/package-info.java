/**
 * How a running program passes what it holds to another process: values by name, and descriptors. Everything above may use
 * it; whoever is handed over packs a {@link org.vportd.handover.Parcel} and can begin with one.
 */
@NullMarked
package org.vportd.handover;

import org.jspecify.annotations.NullMarked;
