/**
 * How vportd is controlled while it runs: QMP, the protocol by which programs do that and learn what happens, and the
 * monitor for people; sessions over chardevs, the commands and the events. The daemon makes one {@link org.vportd.monitor.Monitors} and tells it what happens; what commands need
 * from outside, they find in a {@link org.vportd.monitor.MonitorEnvironment}. Loop thread only.
 */
@NullMarked
package org.vportd.monitor;

import org.jspecify.annotations.NullMarked;
