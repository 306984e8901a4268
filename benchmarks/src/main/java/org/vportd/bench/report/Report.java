package org.vportd.bench.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** All outcomes of a run, as text and as lines for programs. */
public final class Report {
    private final List<String> header;
    private final List<Outcome> outcomes = new ArrayList<>();

    /** Begins one with lines about the machine and the run. */
    public Report(List<String> header) {
        this.header = List.copyOf(header);
    }

    /** Adds what a scenario has come to. */
    public void add(Outcome outcome) {
        outcomes.add(outcome);
    }

    /** All numbers. */
    public List<Figure> figures() {
        return outcomes.stream().flatMap(outcome -> outcome.figures().stream()).toList();
    }

    /** The whole as text. */
    public List<String> lines() {
        List<String> lines = new ArrayList<>(header);
        for (Section section : Section.values()) {
            List<List<String>> rows = outcomes.stream()
                    .flatMap(outcome -> outcome.rows().stream())
                    .filter(row -> row.section() == section)
                    .map(Outcome.Row::cells)
                    .toList();
            if (!rows.isEmpty()) {
                lines.add("");
                lines.add(section.title());
                lines.addAll(Table.lines(section.headings(), rows));
            }
        }
        lines.add("");
        lines.addAll(summary());
        return lines;
    }

    private List<String> summary() {
        List<Figure> judged =
                figures().stream().filter(figure -> figure.target() != null).toList();
        List<Figure> missed = judged.stream()
                .filter(figure -> figure.target() != null && !figure.target().isMet(figure.judged()))
                .toList();
        List<String> lines = new ArrayList<>();
        lines.add("Targets: " + (judged.size() - missed.size()) + " of " + judged.size() + " met");
        for (Figure figure : missed) {
            lines.add(String.format(
                    Locale.ROOT,
                    "  %s, %s: %.3g, %s",
                    figure.scenario(),
                    figure.measure(),
                    figure.judged(),
                    figure.mark()));
        }
        return lines;
    }

    /** Writes the text to a file, and all numbers to one beside it that ends in {@code .csv}. */
    public void write(Path path) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        Files.write(path, lines());
        List<String> csv = new ArrayList<>();
        csv.add("scenario,measure,unit,value,limit,ratio,low,high,bound,met");
        for (Figure figure : figures()) {
            Target target = figure.target();
            csv.add(String.join(
                    ",",
                    '"' + figure.scenario() + '"',
                    '"' + figure.measure() + '"',
                    figure.unit(),
                    number(figure.value()),
                    number(figure.limit()),
                    number(figure.ratio()),
                    number(figure.low()),
                    number(figure.high()),
                    target == null ? "" : number(target.bound()),
                    target == null ? "" : Boolean.toString(target.isMet(figure.judged()))));
        }
        Files.write(beside(path, ".csv"), csv);
    }

    /** A file beside another one, with another ending. */
    public static Path beside(Path path, String ending) {
        String name = String.valueOf(path.getFileName());
        int dot = name.lastIndexOf('.');
        return path.resolveSibling((dot > 0 ? name.substring(0, dot) : name) + ending);
    }

    private static String number(double value) {
        return Double.isNaN(value) || Double.isInfinite(value) ? "" : String.format(Locale.ROOT, "%.6g", value);
    }
}
