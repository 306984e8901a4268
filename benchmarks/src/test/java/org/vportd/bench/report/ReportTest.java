package org.vportd.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class ReportTest {
    @Test
    void shouldMarkFiguresByTheirTargets() {
        assertEquals("ok (>= 0.97)", Target.atLeast(0.97).mark(0.97));
        assertEquals("below (>= 8)", Target.atLeast(8).mark(7.9));
        assertEquals("ok (<= 1.25)", Target.atMost(1.25).mark(1.2));
        assertEquals("above (<= 64)", Target.atMost(64).mark(64.1));
    }

    @Test
    void shouldJudgeTheRatioWhereThereIsALimitAndOtherwiseTheValue() {
        Figure compared = new Figure("s", "m", "", 10, 20, 0.5, 0.4, 0.6, Target.atLeast(0.97));
        assertEquals("below (>= 0.97)", compared.mark());
        assertEquals(
                "ok (>= 5)", Figure.plain("s", "m", "", 10, Target.atLeast(5)).mark());
    }

    @Test
    void shouldLayOutColumnsAndCountTargets() {
        Outcome outcome = new Outcome();
        outcome.addRow(Section.PROCESS, "start", "time", "7.5", "", "", "ok");
        outcome.addRow(Section.PROCESS, "start", "resident size", "100", "", "", "above");
        outcome.add(Figure.plain("start", "resident size", "", 100, Target.atMost(64)));
        Report report = new Report(List.of("machine"));
        report.add(outcome);
        List<String> lines = report.lines();
        assertEquals("machine", lines.get(0));
        assertEquals("start     time             7.5                             ok", lines.get(5));
        assertEquals("start     resident size    100                             above", lines.get(6));
        assertTrue(lines.contains("Targets: 0 of 1 met"), lines::toString);
        assertEquals("  start, resident size: 100, above (<= 64)", lines.get(lines.size() - 1));
    }

    @Test
    void shouldRefuseARowThatDoesNotFitItsTable() {
        assertThrows(IllegalArgumentException.class, () -> new Outcome().addRow(Section.PROCESS, "start"));
    }
}
