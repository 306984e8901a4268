package org.vportd.bench.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class CatalogueTest {
    private final Catalogue catalogue = new Catalogue();

    private List<String> select(boolean quick, String... patterns) {
        return catalogue.select(List.of(patterns), quick).stream()
                .map(Scenario::name)
                .toList();
    }

    @Test
    void shouldChooseOneWhenItsWholeNameIsGiven() {
        assertEquals(List.of("tx-unix-4K"), select(false, "tx-unix-4K"));
    }

    @Test
    void shouldChooseAllThatBeginWithAWordWhenItIsNoName() {
        assertTrue(select(false, "rx").containsAll(List.of("rx-unix-64", "rx-tcp-4K", "rx-unix-4K-ports8")));
        assertEquals(List.of("rx-unix-64", "rx-unix-1K", "rx-unix-4K", "rx-unix-32K"), select(true, "rx"));
    }

    @Test
    void shouldRefuseANameThatStandsForNothing() {
        assertThrows(IllegalArgumentException.class, () -> select(false, "tx-unix-5K"));
    }

    @Test
    void shouldHaveOnlyScenariosOfTheFullRunInTheQuickOne() {
        assertTrue(catalogue.full().containsAll(catalogue.quick()));
    }
}
