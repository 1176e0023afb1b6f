/// Where the members of a zip archive lie that were stored without compression, as torch.save does.
///
/// Source: PKWARE, "APPNOTE.TXT", §4.3 and §4.5.3 (zip64).
struct ZipArchive {
    /// The data of every member.
    private(set) var members: [String: Range<Int>] = [:]

    private let file: MappedFile

    init(_ file: MappedFile) throws(TorchFault) {
        self.file = file
        let directory = try Self.centralDirectory(of: file)
        var reader = ByteReader(file, directory.range)
        var extents: [Range<Int>] = []
        for _ in 0..<directory.count {
            let (name, extent, data) = try member(&reader, before: directory.range.lowerBound)
            guard members.updateValue(data, forKey: name) == nil else {
                throw .zip("two members are named \"\(name)\"")
            }
            extents.append(extent)
        }
        guard reader.remaining == 0 else { throw .zip("its directory is longer than its members") }
        extents.sort { $0.lowerBound < $1.lowerBound }
        for (a, b) in zip(extents, extents.dropFirst()) where a.upperBound > b.lowerBound {
            throw .zip("members overlap at byte \(b.lowerBound)")
        }
    }

    private static func centralDirectory(of file: MappedFile) throws(TorchFault) -> (range: Range<Int>, count: Int) {
        let end = try endOfCentralDirectory(of: file)
        var count = Int(file.integer(at: end + 10, as: UInt16.self))
        var size = Int(file.integer(at: end + 12, as: UInt32.self))
        var start = Int(file.integer(at: end + 16, as: UInt32.self))
        if end >= 20, file.integer(at: end - 20, as: UInt32.self) == 0x0706_4B50 {
            let record = file.integer(at: end - 12, as: UInt64.self)
            guard let record = Int(exactly: record), record <= end - 20 - 56,
                file.integer(at: record, as: UInt32.self) == 0x0606_4B50,
                let largeCount = Int(exactly: file.integer(at: record + 32, as: UInt64.self)),
                let largeSize = Int(exactly: file.integer(at: record + 40, as: UInt64.self)),
                let largeStart = Int(exactly: file.integer(at: record + 48, as: UInt64.self))
            else { throw .zip("its zip64 record is damaged") }
            (count, size, start) = (largeCount, largeSize, largeStart)
        }
        // An entry of the directory has at least 46 bytes.
        guard start <= end, size <= end - start, count <= size / 46 else {
            throw .zip("its directory does not fit into the file (truncated?)")
        }
        return (start..<start + size, count)
    }

    /// The record at the end, behind which only a comment may stand.
    private static func endOfCentralDirectory(of file: MappedFile) throws(TorchFault) -> Int {
        let length = 22
        var start = file.count - length
        let first = max(0, start - 0xFFFF)
        while start >= first {
            if file.integer(at: start, as: UInt32.self) == 0x0605_4B50,
                start + length + Int(file.integer(at: start + 20, as: UInt16.self)) == file.count
            {
                return start
            }
            start -= 1
        }
        throw .zip("it has no directory at its end (truncated?)")
    }

    /// Reads an entry of the directory, and the header before the member's data.
    private func member(
        _ reader: inout ByteReader, before directory: Int
    ) throws(TorchFault) -> (name: String, extent: Range<Int>, data: Range<Int>) {
        guard let fixed = reader.range(46)?.lowerBound, file.integer(at: fixed, as: UInt32.self) == 0x0201_4B50 else {
            throw .zip("its directory is damaged")
        }
        func short(_ offset: Int) -> Int { Int(file.integer(at: fixed + offset, as: UInt16.self)) }
        func long(_ offset: Int) -> Int { Int(file.integer(at: fixed + offset, as: UInt32.self)) }
        guard let name = reader.text(short(28)), let extra = reader.range(short(30)), reader.range(short(32)) != nil
        else { throw .zip("its directory is damaged") }
        guard short(8) & 1 == 0 else { throw .zip("member \"\(name)\" is encrypted") }
        guard short(10) == 0 else { throw .zip("member \"\(name)\" is compressed; torch.save stores") }

        var sizes = [long(24), long(20), long(42)]  // uncompressed, compressed, offset of the header
        try readLargeSizes(&sizes, extra, name)
        let (size, header) = (sizes[0], sizes[2])
        guard sizes[1] == size else { throw .zip("member \"\(name)\" has two sizes") }
        guard header <= directory - 30, file.integer(at: header, as: UInt32.self) == 0x0403_4B50 else {
            throw .zip("member \"\(name)\" has no header at byte \(header)")
        }
        let nameLength = Int(file.integer(at: header + 26, as: UInt16.self))
        let start = header + 30 + nameLength + Int(file.integer(at: header + 28, as: UInt16.self))
        guard start <= directory, size <= directory - start else {
            throw .zip("member \"\(name)\" reaches beyond the archive (truncated?)")
        }
        guard file.bytes(header + 30..<header + 30 + nameLength) == Array(name.utf8) else {
            throw .zip("member \"\(name)\" has two names")
        }
        return (name, header..<start + size, start..<start + size)
    }

    /// Replaces the sizes that 32 bits cannot hold.
    private func readLargeSizes(_ sizes: inout [Int], _ extra: Range<Int>, _ name: String) throws(TorchFault) {
        let isLarge = sizes.map { $0 == 0xFFFF_FFFF }
        guard isLarge.contains(true) else { return }
        var fields = ByteReader(file, extra)
        while let id = fields.integer(UInt16.self), let length = fields.integer(UInt16.self),
            let field = fields.range(Int(length))
        {
            guard id == 1 else { continue }
            var values = ByteReader(file, field)
            for index in sizes.indices where isLarge[index] {
                guard let value = values.integer(UInt64.self).flatMap({ Int(exactly: $0) }) else {
                    throw .zip("member \"\(name)\" has damaged zip64 sizes")
                }
                sizes[index] = value
            }
            return
        }
        throw .zip("member \"\(name)\" lacks its zip64 sizes")
    }
}
