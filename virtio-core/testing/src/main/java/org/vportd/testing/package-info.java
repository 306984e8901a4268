/** What the tests of several modules use. It knows nothing of the program, so that every module's tests can have it. */
@NullMarked
package org.vportd.testing;

import org.jspecify.annotations.NullMarked;
