import SystemPackage

/// What a file's beginning tells about how it is written.
///
/// The content decides; the ending of the name where the content allows several readings.
enum FormatDetection {
    /// How much of a file is looked at.
    static let sampleRecords = 2000
    static let sampleBytes = 1 << 20

    /// - Parameter delimiter: where the caller has said which.
    static func format(of file: FilePath, delimiter: UInt8?) throws(CorpusError) -> CorpusFormat {
        if let delimiter { return CorpusFormat(delimiter: delimiter) }
        let lines = try CorpusRecords(file, .lines).window(limit: sampleRecords, byteLimit: sampleBytes)
        guard let first = lines.first(where: { !isBlank($0.bytes) }) else { throw .noExamples(file) }
        if let json = jsonFormat(first.bytes, next: lines.dropFirst().first?.bytes) { return json }
        let prefix = Array(CorpusFormat.labelPrefix.utf8)
        if first.bytes.starts(with: prefix) { return .fastText }
        return CorpusFormat(delimiter: try tableDelimiter(of: file))
    }

    /// - Parameters:
    ///   - first: the first line.
    ///   - next: the one behind it.
    private static func jsonFormat(_ first: [UInt8], next: [UInt8]?) -> CorpusFormat? {
        let marks = first.filter { !isBlank($0) }
        switch marks.first {
        case UInt8(ascii: "{"): return .jsonLines
        case UInt8(ascii: "["):
            let second = marks.dropFirst().first ?? next?.first { !isBlank($0) }
            return second == UInt8(ascii: "{") || second == UInt8(ascii: "]") ? .jsonArray : nil
        default: return nil
        }
    }

    /// The delimiter that cuts the most rows into the same number of fields, and more than one; of equals the one that
    /// the name's ending says, else tab, comma, semicolon, bar, in this order. Another than the name says is to cut more
    /// than half of them: texts alone, a line each, have commas too.
    private static func tableDelimiter(of file: FilePath) throws(CorpusError) -> UInt8 {
        let usual = usualDelimiter(of: file)
        var best = (delimiter: usual, share: 0.0)
        for delimiter in [usual] + CorpusFormat.delimiters where delimiter != usual || best.share == 0 {
            let format = CorpusFormat(delimiter: delimiter)
            let records = try CorpusRecords(file, format.division)
            var counts: [Int: Int] = [:]
            var rows = 0
            // A quote that does not end shows that this is not the delimiter, or that the file is damaged, which shows
            // when it is read in earnest.
            while rows < sampleRecords, let record = try? records.next() {
                counts[format.fields(record).count, default: 0] += 1
                rows += 1
            }
            let common = counts.filter { $0.key > 1 }.map(\.value).max() ?? 0
            let share = Double(common) / Double(max(1, rows))
            if share > max(best.share, delimiter == usual ? 0 : 0.5) { best = (delimiter, share) }
        }
        return best.delimiter
    }

    private static func usualDelimiter(of file: FilePath) -> UInt8 {
        let name = (file.lastComponent?.string ?? "").lowercased()
        return name.hasSuffix(".csv") || name.hasSuffix(".csv.gz") ? UInt8(ascii: ",") : UInt8(ascii: "\t")
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    private static func isBlank(_ line: [UInt8]) -> Bool { line.allSatisfy(isBlank) }
}
