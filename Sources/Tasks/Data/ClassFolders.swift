import FoundationEssentials
import SystemPackage

/// A folder for each class, such as `pos/` and `neg/`, with a file for each text.
enum ClassFolders {
    struct TextFile: Equatable, Sendable {
        let path: FilePath
        let label: String

        /// The whole file, which is one text.
        func record() throws(CorpusError) -> RawRecord {
            let stream = try ByteStream(path)
            var bytes: [UInt8] = []
            while true {
                let chunk = try stream.next()
                if chunk.isEmpty { break }
                bytes += chunk
                if bytes.count > CorpusRecords.recordLimit {
                    throw .recordTooLong(path, line: 1, limit: CorpusRecords.recordLimit)
                }
            }
            // The line end behind the last line is none of the text.
            while bytes.last == UInt8(ascii: "\n") || bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
            return RawRecord(bytes: bytes, line: 1, textFile: self)
        }
    }

    /// Texts without a label, beside those of the classes. Source: Maas et al. 2011, whose film reviews have such ones.
    private static let unlabelled = "unsup"

    /// The texts of all classes in the order of their names; none where the folder has no folders with files.
    static func textFiles(in folder: FilePath) -> [TextFile] {
        names(in: folder).filter { $0 != unlabelled }.flatMap { label in
            names(in: folder.appending(label)).compactMap { name in
                let path = folder.appending(label).appending(name)
                return isFolder(path) ? nil : TextFile(path: path, label: label)
            }
        }
    }

    static func isFolder(_ path: FilePath) -> Bool {
        var isFolder = false
        return FileManager.default.fileExists(atPath: path.string, isDirectory: &isFolder) && isFolder
    }

    /// What is in a folder, sorted, without what is hidden.
    static func names(in folder: FilePath) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.string)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
