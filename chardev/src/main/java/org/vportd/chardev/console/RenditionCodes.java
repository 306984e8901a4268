package org.vportd.chardev.console;

/** Understands {@code ESC [ ... m}: the codes that say how characters are to look. */
final class RenditionCodes {
    private RenditionCodes() {}

    /** The look after some codes. */
    static long apply(Parameters codes, long before) {
        long rendition = before;
        int i = 0;
        do {
            int code = codes.get(i);
            if (code == 38 || code == 48) {
                int color = color(codes, i);
                if (color >= 0) {
                    rendition = code == 38
                            ? Rendition.withForeground(rendition, color)
                            : Rendition.withBackground(rendition, color);
                }
                i += colorLength(codes, i);
            } else if (code == 4 && codes.isJoined(i + 1) && codes.get(i + 1) == 0) {
                rendition = Rendition.without(rendition, Style.UNDERLINED); // 4:0
            } else {
                rendition = apply(code, rendition);
            }
            i++;
            while (codes.isJoined(i)) {
                i++;
            }
        } while (i < codes.size());
        return rendition;
    }

    private static long apply(int code, long rendition) {
        if (code >= 30 && code <= 37) {
            return Rendition.withForeground(rendition, Rendition.INDEXED | (code - 30));
        } else if (code >= 40 && code <= 47) {
            return Rendition.withBackground(rendition, Rendition.INDEXED | (code - 40));
        } else if (code >= 90 && code <= 97) {
            return Rendition.withForeground(rendition, Rendition.INDEXED | (code - 90 + 8));
        } else if (code >= 100 && code <= 107) {
            return Rendition.withBackground(rendition, Rendition.INDEXED | (code - 100 + 8));
        }
        return switch (code) {
            case 0 -> Rendition.DEFAULT;
            case 1 -> Rendition.with(rendition, Style.BOLD);
            case 2 -> Rendition.with(rendition, Style.FAINT);
            case 3 -> Rendition.with(rendition, Style.ITALIC);
            case 4, 21 -> Rendition.with(rendition, Style.UNDERLINED);
            case 5, 6 -> Rendition.with(rendition, Style.BLINKING);
            case 7 -> Rendition.with(rendition, Style.REVERSED);
            case 8 -> Rendition.with(rendition, Style.HIDDEN);
            case 9 -> Rendition.with(rendition, Style.STRUCK_OUT);
            case 22 -> Rendition.without(Rendition.without(rendition, Style.BOLD), Style.FAINT);
            case 23 -> Rendition.without(rendition, Style.ITALIC);
            case 24 -> Rendition.without(rendition, Style.UNDERLINED);
            case 25 -> Rendition.without(rendition, Style.BLINKING);
            case 27 -> Rendition.without(rendition, Style.REVERSED);
            case 28 -> Rendition.without(rendition, Style.HIDDEN);
            case 29 -> Rendition.without(rendition, Style.STRUCK_OUT);
            case 39 -> Rendition.withForeground(rendition, 0);
            case 49 -> Rendition.withBackground(rendition, 0);
            default -> rendition;
        };
    }

    /** The colour that follows a 38 or 48: {@code 5;n} or {@code 2;r;g;b}, with colons also {@code 2:space:r:g:b}. */
    private static int color(Parameters codes, int at) {
        int kind = codes.get(at + 1);
        if (kind == 5) {
            return Rendition.INDEXED | (codes.get(at + 2) & 0xff);
        }
        if (kind != 2) {
            return -1;
        }
        int red = codes.isJoined(at + 5) ? at + 3 : at + 2;
        return Rendition.RGB
                | ((codes.get(red) & 0xff) << 16)
                | ((codes.get(red + 1) & 0xff) << 8)
                | (codes.get(red + 2) & 0xff);
    }

    /** How many numbers after a 38 or 48 belong to it, unless they are joined by colons. */
    private static int colorLength(Parameters codes, int at) {
        if (codes.isJoined(at + 1)) {
            return 0;
        }
        return switch (codes.get(at + 1)) {
            case 2 -> 4;
            case 5 -> 2;
            default -> 0;
        };
    }
}
