package org.vportd.chardev.layer;

import java.io.ByteArrayOutputStream;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** The client's side of telnet: it doubles and undoubles 0xff, and reads the greeting. */
final class TelnetClient {
    private static final int IAC = 255;

    private TelnetClient() {}

    static InputStream reading(InputStream from) throws IOException {
        from.readNBytes(12);
        return new FilterInputStream(from) {
            @Override
            public int read(byte[] to, int offset, int length) throws IOException {
                byte[] encoded = new byte[length];
                int n = in.read(encoded, 0, length);
                int kept = 0;
                for (int i = 0; i < n; i++) {
                    to[offset + kept++] = encoded[i];
                    if (encoded[i] == (byte) IAC) {
                        int next = i + 1 < n ? encoded[++i] & 0xff : in.read();
                        if (next != IAC) {
                            throw new IOException("not doubled: next=" + next);
                        }
                    }
                }
                return n < 0 ? n : kept;
            }
        };
    }

    static OutputStream writing(OutputStream to) {
        return new FilterOutputStream(to) {
            @Override
            public void write(byte[] from, int offset, int length) throws IOException {
                ByteArrayOutputStream encoded = new ByteArrayOutputStream();
                for (int i = 0; i < length; i++) {
                    encoded.write(from[offset + i]);
                    if (from[offset + i] == (byte) IAC) {
                        encoded.write(IAC);
                    }
                }
                out.write(encoded.toByteArray());
            }
        };
    }
}
