import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors

/// The vectors of a spaCy pipeline, in its folder `vocab`: a NumPy table of rows (`vectors`), the row of every key
/// (`key2row`), and the words (`strings.json`), whose hashes are the keys.
///
/// In a pruned table many words have the row of another one. The first word with a row, in the order of `key2row`, is the
/// row's own: those come first here, in that order, then the others. Rows are read where they are.
enum SpaCyVectors {
    /// Where a folder's `key2row` is: in itself, or in its `vocab`; `nil` for a file.
    static func keysFile(_ path: FilePath) throws(WordVectorsError) -> FilePath? {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: path.string, isDirectory: &isFolder), isFolder else { return nil }
        let places = [path, path.appending("vocab")].map { $0.appending("key2row") }
        guard let place = places.first(where: { FileManager.default.fileExists(atPath: $0.string) }) else {
            throw .otherKind(
                path, found: "a folder without spaCy's vocab/key2row",
                advice: "Name a file of vectors, or the folder of a spaCy pipeline that has vectors.")
        }
        return place
    }

    /// - Parameter keysFile: the `key2row`, with the other files beside it.
    static func read(_ keysFile: MappedFile) throws(WordVectorsError) -> ReadVectors {
        let folder = keysFile.path.removingLastComponent()
        try checkMode(folder.appending("vectors.cfg"))
        let (file, header) = try table(folder.appending("vectors"))
        let keys: [(key: UInt64, row: Int)]
        do throws(SpaCyKeysFault) { keys = try SpaCyKeys(keysFile, rows: header.rows).entries } catch {
            throw .spaCyKeys(keysFile.path, error)
        }
        let names = try names(of: keys.map(\.key), folder.appending("strings.json"))

        var builder = WordTableBuilder(capacity: names.lazy.compactMap(\.self).count)
        func add(_ name: [UInt8]) throws(WordVectorsError) -> Bool {
            guard let isNew = unsafe name.withUnsafeBytes({ unsafe builder.add($0) }) else {
                throw .tooManyWords(keysFile.path)
            }
            return isNew
        }
        var owners = [Int32](repeating: -1, count: header.rows)
        var rows: [Int] = []
        var others: [(name: [UInt8], row: Int)] = []
        for (entry, name) in zip(keys, names) {
            guard let name else { continue }
            if owners[entry.row] < 0, try add(name) {
                owners[entry.row] = Int32(rows.count)
                rows.append(entry.row)
            } else {
                others.append((name, entry.row))
            }
        }
        if rows.isEmpty { throw .noWords(keysFile.path) }
        var shared: [Int32] = []
        for other in others where try add(other.name) { shared.append(owners[other.row]) }
        let places = (rows + shared.map { rows[Int($0)] }).map { header.dataStart + 4 * header.columns * $0 }
        return ReadVectors(
            words: builder.table,
            rows: StoredRows(columns: header.columns, BorrowedBytes(file, 0..<file.count), places: places),
            shared: shared)
    }

    /// Rows of floret's belong to hashes of n-grams, not to words.
    private static func checkMode(_ path: FilePath) throws(WordVectorsError) {
        guard FileManager.default.fileExists(atPath: path.string) else { return }
        let settings = try readingVectors { () throws(CheckpointError) in
            try JSONFile(path, purpose: "the kind of vectors")
        }
        guard let mode = settings.object["mode"], mode != .string("default") else { return }
        throw .otherKind(
            path, found: "vectors in spaCy's mode \(mode.string ?? mode.kind)",
            advice: "Only its table of words (mode default) is read; floret's save_vectors writes words as text.")
    }

    private static func table(_ path: FilePath) throws(WordVectorsError) -> (MappedFile, NPYHeader) {
        let file = try readingVectors { () throws(CheckpointError) in
            try MappedFile(path, purpose: "the table of vectors")
        }
        do throws(NPYFault) {
            let header = try NPYHeader(of: file)
            guard header.element == .float32 else { throw .elementType(header.element.rawValue) }
            return (file, header)
        } catch { throw .spaCyTable(path, error) }
    }

    /// The word of every key; `nil` where nothing tells it.
    private static func names(of keys: [UInt64], _ path: FilePath) throws(WordVectorsError) -> [[UInt8]?] {
        var places: [UInt64: Int] = [:]
        places.reserveCapacity(keys.count)
        for (place, key) in keys.enumerated() where places[key] == nil { places[key] = place }
        var names = [[UInt8]?](repeating: nil, count: keys.count)
        for symbol in SpaCyStrings.symbols {
            if let place = places[symbol.key] { names[place] = Array(symbol.word.utf8) }
        }
        let file = try readingVectors { () throws(CheckpointError) in try MappedFile(path, purpose: "the words") }
        do throws(JSONError) {
            var reader = JSONReader(file.bytes(0..<file.count))
            try reader.beginArray()
            while try reader.nextElement() {
                let word = try reader.readStringUTF8()
                if let place = places[unsafe word.withUnsafeBytes { unsafe SpaCyStrings.key($0) }] {
                    names[place] = Array(word)
                }
            }
            try reader.expectEnd()
        } catch { throw .file(.invalidJSON(path, error)) }
        return names
    }
}
