package org.vportd.bench.report;

import java.awt.Color;
import java.awt.Font;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.Styler;

/** Draws the ratios of throughput to the limit, with their spread; many in several charts, one below the other. */
public final class Plot {
    private static final int HEIGHT = 600;
    private static final int MARGIN = 250;
    private static final int PER_BAR = 34;
    private static final int MOST_BARS = 24;
    private static final int LEAST_WIDTH = 700;
    private static final Color BAR = new Color(0x3b, 0x6e, 0xa5);
    private static final Color CPU_BAR = new Color(0xc9, 0x8f, 0x3e);

    private Plot() {}

    /** Writes a PNG beside a report; nothing if it has no such ratios. */
    public static void write(List<Figure> figures, Path report) throws IOException {
        List<Figure> speeds = ratios(figures, "throughput");
        if (speeds.isEmpty()) {
            return;
        }
        List<Figure> costs = ratios(figures, "CPU");
        System.setProperty("java.awt.headless", "true");
        int charts = (speeds.size() + MOST_BARS - 1) / MOST_BARS;
        int bars = (speeds.size() + charts - 1) / charts;
        int width = Math.max(LEAST_WIDTH, MARGIN + PER_BAR * bars);
        List<CategoryChart> all = new ArrayList<>();
        for (int from = 0; from < speeds.size(); from += bars) {
            int to = Math.min(from + bars, speeds.size());
            List<Figure> costsOfThese = costs.size() == speeds.size() ? costs.subList(from, to) : List.of();
            all.add(chart(width, speeds.subList(from, to), costsOfThese));
        }
        String base = Report.beside(report, "").toString();
        BitmapEncoder.saveBitmap(all, all.size(), 1, base, BitmapEncoder.BitmapFormat.PNG);
    }

    private static CategoryChart chart(int width, List<Figure> speeds, List<Figure> costs) {
        CategoryChart chart = new CategoryChartBuilder()
                .width(width)
                .height(HEIGHT)
                .title("vportd beside a plain loop on the same kind of descriptor (1 = the plain loop)")
                .yAxisTitle("ratio: median, and a line as long as the spread")
                .build();
        Styler styler = chart.getStyler();
        styler.setLegendPosition(Styler.LegendPosition.OutsideS);
        styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 15));
        styler.setChartBackgroundColor(Color.WHITE);
        chart.getStyler().setXAxisLabelRotation(60);
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setAvailableSpaceFill(0.8);
        add(chart, "throughput (more is better)", speeds, BAR);
        if (!costs.isEmpty()) {
            add(chart, "CPU time a byte (less is better)", costs, CPU_BAR);
        }
        return chart;
    }

    private static void add(CategoryChart chart, String name, List<Figure> figures, Color colour) {
        chart.addSeries(
                        name,
                        figures.stream().map(Figure::scenario).toList(),
                        figures.stream().map(Figure::ratio).toList(),
                        figures.stream().map(Plot::halfSpread).toList())
                .setFillColor(colour);
    }

    private static List<Figure> ratios(List<Figure> figures, String measure) {
        return figures.stream()
                .filter(figure -> figure.measure().equals(measure) && !Double.isNaN(figure.ratio()))
                .toList();
    }

    private static double halfSpread(Figure figure) {
        return (figure.high() - figure.low()) / 2;
    }
}
