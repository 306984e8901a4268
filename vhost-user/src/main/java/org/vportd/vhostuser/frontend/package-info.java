/**
 * The client side of vhost-user: {@link org.vportd.vhostuser.frontend.VhostUserFrontend} speaks the protocol in the manner
 * of one of the known front-ends, {@link org.vportd.vhostuser.frontend.ConsoleDriver} is a guest's console driver on top of
 * it, {@link org.vportd.vhostuser.frontend.ConsoleLoad} and {@link org.vportd.vhostuser.frontend.ConformanceCheck} are the
 * engine of {@code vportd drive}.
 *
 * <p>Everything belongs to one thread, which waits; every wait has a deadline. Directions are the driver's: tx is what it
 * sends, rx what it receives.
 */
@NullMarked
package org.vportd.vhostuser.frontend;

import org.jspecify.annotations.NullMarked;
