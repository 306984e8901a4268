/** Tests of the back-end against front-ends that send what they like. */
@NullMarked
package org.vportd.vhostuser.backend;

import org.jspecify.annotations.NullMarked;
