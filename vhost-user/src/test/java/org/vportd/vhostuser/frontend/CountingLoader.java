package org.vportd.vhostuser.frontend;

import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Loads the classes of the project once more, with a count in front of every system call, by its own name, and of every
 * access of the rings' code to memory. So it is the very code that runs otherwise which is counted, and that has no part in
 * it. (ASM comes with jnr-ffi.)
 */
final class CountingLoader extends ClassLoader {
    /** Loads from memory of the driver. */
    static final String LOADS = "loads";
    /** Stores to it. */
    static final String STORES = "stores";
    /** Fences that the processor sees. */
    static final String FENCES = "fences";

    private static final String PROJECT = "org.vportd.";
    private static final String SYSTEM_CALLS = "org/vportd/posix/LibC";
    private static final String RINGS = "org/vportd/virtio/queue/";
    private static final String TALLY = Tally.class.getName().replace('.', '/');

    CountingLoader() {
        super(CountingLoader.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith(PROJECT) || name.equals(Tally.class.getName())) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded == null ? define(name) : loaded;
        }
    }

    private Class<?> define(String name) throws ClassNotFoundException {
        try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (in == null) {
                throw new ClassNotFoundException(name);
            }
            ClassReader reader = new ClassReader(in);
            ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
            reader.accept(new Counting(writer, reader.getClassName().startsWith(RINGS)), 0);
            byte[] code = writer.toByteArray();
            return defineClass(name, code, 0, code.length);
        } catch (IOException e) {
            throw new ClassNotFoundException(name, e);
        }
    }

    private static final class Counting extends ClassVisitor {
        private final boolean ofRings;

        Counting(ClassVisitor next, boolean ofRings) {
            super(Opcodes.ASM9, next);
            this.ofRings = ofRings;
        }

        @Override
        public MethodVisitor visitMethod(
                int access,
                String name,
                String descriptor,
                @Nullable String signature,
                String @Nullable [] exceptions) {
            MethodVisitor next = super.visitMethod(access, name, descriptor, signature, exceptions);
            return new MethodVisitor(Opcodes.ASM9, next) {
                @Override
                public void visitMethodInsn(int opcode, String owner, String called, String type, boolean ofInterface) {
                    String what = what(opcode, owner, called);
                    if (what != null) {
                        super.visitLdcInsn(what);
                        super.visitMethodInsn(Opcodes.INVOKESTATIC, TALLY, "add", "(Ljava/lang/String;)V", false);
                    }
                    super.visitMethodInsn(opcode, owner, called, type, ofInterface);
                }
            };
        }

        /** What to count a call as, or null if not at all. */
        private @Nullable String what(int opcode, String owner, String method) {
            if (owner.equals(SYSTEM_CALLS) && opcode == Opcodes.INVOKEINTERFACE) {
                return method;
            }
            if (!ofRings) {
                return null;
            }
            return switch (owner) {
                case "org/vportd/posix/LittleEndian", "org/vportd/posix/NativeMemory", "org/agrona/UnsafeApi" ->
                    access(method);
                case "java/lang/invoke/VarHandle" -> method.equals("fullFence") ? FENCES : null;
                default -> null;
            };
        }

        private static @Nullable String access(String method) {
            return switch (method) {
                case "allocate", "free" -> null;
                default -> method.startsWith("get") ? LOADS : method.startsWith("put") ? STORES : method;
            };
        }
    }
}
