package org.vportd;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.source.tree.BlockTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.ModifiersTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.DocTrees;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePath;
import com.sun.source.util.TreePathScanner;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.lang.model.element.Modifier;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;

/**
 * Demands a comment on the public and protected API of main code.
 *
 * <p>The compiler could do so, but asks for a tag on each parameter and result as well, which would only restate names.
 * Not asked for: overriding methods, constants of an enum, and constructors of records.
 */
class ApiDocumentationTest {
    private static final List<String> MODULES = List.of("virtio-core", "chardev", "virtio-serial", "vhost-user");

    /** The interface whose methods are those of C: the manual pages of the system say what they do. */
    private static final String MANUAL_PAGES = "LibC";

    @Test
    void shouldDocumentWhatOtherPackagesSee() throws IOException {
        List<Path> sources = mainSources();
        assertFalse(sources.isEmpty(), "no sources found");
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        List<String> missing = new ArrayList<>();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask) compiler.getTask(
                    null, files, null, List.of("-proc:none"), null, files.getJavaFileObjectsFromPaths(sources));
            DocTrees trees = DocTrees.instance(task);
            for (CompilationUnitTree unit : task.parse()) {
                new Scanner(trees, missing).scan(unit, null);
            }
        }
        assertTrue(missing.isEmpty(), () -> "public without a comment:\n" + String.join("\n", missing));
    }

    private static List<Path> mainSources() throws IOException {
        Path root = Path.of("..").toAbsolutePath().normalize(); // tests run in the folder of their module
        List<Path> sources = new ArrayList<>();
        for (String module : MODULES) {
            Path folder = root.resolve(module).resolve("src/main/java");
            if (Files.isDirectory(folder)) {
                try (Stream<Path> found = Files.walk(folder)) {
                    found.filter(path -> path.toString().endsWith(".java")).forEach(sources::add);
                }
            }
        }
        return sources;
    }

    /** Goes through the types of a file and, of those that are seen from outside, through their members. */
    private static final class Scanner extends TreePathScanner<Void, Void> {
        private final DocTrees trees;
        private final List<String> missing;

        Scanner(DocTrees trees, List<String> missing) {
            this.trees = trees;
            this.missing = missing;
        }

        @Override
        public Void visitClass(ClassTree type, Void none) {
            if (!isVisible(type.getModifiers())) {
                return null;
            }
            check(type.getSimpleName());
            if (type.getSimpleName().contentEquals(MANUAL_PAGES)) {
                return null;
            }
            return super.visitClass(type, null);
        }

        @Override
        public Void visitMethod(MethodTree method, Void none) {
            if (isVisible(method.getModifiers()) && !isOverride(method) && !isRecordConstructor(method)) {
                check(method.getReturnType() == null ? enclosing().getSimpleName() : method.getName());
            }
            return null; // what is declared in a body is seen by nobody
        }

        @Override
        public Void visitVariable(VariableTree field, Void none) {
            ClassTree owner = enclosing();
            if (isVisible(field.getModifiers()) && owner.getKind() != Tree.Kind.ENUM) {
                check(field.getName());
            }
            return null;
        }

        @Override
        public Void visitBlock(BlockTree initializer, Void none) {
            return null;
        }

        private ClassTree enclosing() {
            return (ClassTree) getCurrentPath().getParentPath().getLeaf();
        }

        private boolean isVisible(ModifiersTree modifiers) {
            Tree parent = getCurrentPath().getParentPath().getLeaf();
            return modifiers.getFlags().contains(Modifier.PUBLIC)
                    || modifiers.getFlags().contains(Modifier.PROTECTED)
                    || (!modifiers.getFlags().contains(Modifier.PRIVATE)
                            && (parent.getKind() == Tree.Kind.INTERFACE
                                    || parent.getKind() == Tree.Kind.ANNOTATION_TYPE));
        }

        private static boolean isOverride(MethodTree method) {
            return method.getModifiers().getAnnotations().stream()
                    .anyMatch(annotation ->
                            annotation.getAnnotationType().toString().equals("Override"));
        }

        private boolean isRecordConstructor(MethodTree method) {
            return method.getReturnType() == null && enclosing().getKind() == Tree.Kind.RECORD;
        }

        private void check(CharSequence name) {
            TreePath path = getCurrentPath();
            if (trees.getDocComment(path) == null) {
                CompilationUnitTree unit = path.getCompilationUnit();
                long line = unit.getLineMap()
                        .getLineNumber(trees.getSourcePositions().getStartPosition(unit, path.getLeaf()));
                missing.add(Path.of(unit.getSourceFile().getName()) + ":" + line + ": " + name);
            }
        }
    }
}
