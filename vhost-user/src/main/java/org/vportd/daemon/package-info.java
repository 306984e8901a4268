/**
 * The program: command line, wiring, signals, exit codes. {@link org.vportd.daemon.Main} starts everything; {@link
 * org.vportd.daemon.Daemon} is what runs.
 */
@NullMarked
package org.vportd.daemon;

import org.jspecify.annotations.NullMarked;
