public import SystemPackage

/// Finds the data for a purpose in a folder: GLUE's tables, files named after their part, or folders of classes.
public enum CorpusFolder {
    /// What data is wanted for.
    public enum Purpose: Equatable, Sendable {
        case training, development, evaluation

        /// The names of parts, in the order in which they are preferred.
        var parts: [String] {
            switch self {
            case .training: ["train", "training"]
            case .development: ["dev", "dev_matched", "validation", "valid", "val"]
            // GLUE's test tables have no labels.
            case .evaluation: ["test", "dev", "dev_matched", "validation", "valid", "val"]
            }
        }
    }

    struct Found {
        let path: FilePath
        /// Where it is a folder for each class.
        let textFiles: [ClassFolders.TextFile]?
    }

    private static let endings = ["tsv", "csv", "jsonl", "json", "txt"]

    /// The part of a folder with the examples to measure on during training, where it has one.
    public static func development(in path: FilePath) -> FilePath? {
        guard ClassFolders.isFolder(path) else { return nil }
        return try? part(in: path, for: .development)?.path
    }

    static func resolve(_ path: FilePath, for purpose: Purpose) throws(CorpusError) -> Found {
        guard ClassFolders.isFolder(path) else { return Found(path: path, textFiles: nil) }
        if let found = try part(in: path, for: purpose) { return found }
        let textFiles = ClassFolders.textFiles(in: path)
        if textFiles.isEmpty { throw .emptyFolder(path, wanted: purpose.parts) }
        return Found(path: path, textFiles: textFiles)
    }

    private static func part(in folder: FilePath, for purpose: Purpose) throws(CorpusError) -> Found? {
        let names = ClassFolders.names(in: folder)
        for part in purpose.parts {
            let files = names.filter { name in
                endings.contains { name.lowercased() == "\(part).\($0)" || name.lowercased() == "\(part).\($0).gz" }
            }
            if files.count > 1 { throw .ambiguousFiles(folder, found: files) }
            if let file = files.first, !isUnlabelledGLUE(file, among: names) {
                return Found(path: folder.appending(file), textFiles: nil)
            }
            let texts = names.contains(part) ? ClassFolders.textFiles(in: folder.appending(part)) : []
            if !texts.isEmpty { return Found(path: folder.appending(part), textFiles: texts) }
        }
        return nil
    }

    /// GLUE keeps the labels of its tests to itself.
    private static func isUnlabelledGLUE(_ file: String, among names: [String]) -> Bool {
        file == "test.tsv" && names.contains("train.tsv")
            && (names.contains("dev.tsv") || names.contains("dev_matched.tsv"))
    }
}
