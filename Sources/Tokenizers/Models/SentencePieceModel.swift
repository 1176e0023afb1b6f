import CSentencePiece

/// A SentencePiece model as its own library runs it: normalization, splitting and ids are the library's.
///
/// Source: Kudo and Richardson 2018, "SentencePiece".
@safe final class SentencePieceModel: @unchecked Sendable {
    // The library documents its processor as safe for encoding and decoding from many threads; nothing here changes it.
    private let handle: OpaquePointer
    let vocabulary: Vocabulary
    let unknownID: Int32?
    /// `nil` where unknown code points become bytes and not one token.
    private let unknownRuns: UnknownRuns?

    struct Problem: Error { let reason: String }

    /// - Parameter unknownID: the id of the piece that stands for what the model does not know. The library finds it only
    ///   by the name that its trainer gave it.
    init(_ bytes: [UInt8], vocabulary: Vocabulary, unknownID: Int32?, unknownRuns: UnknownRuns?) throws(Problem) {
        var message = [CChar](repeating: 0, count: 512)
        let opened = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe message.withUnsafeMutableBufferPointer { text in
                unsafe csp_open(buffer.baseAddress, buffer.count, text.baseAddress, text.count)
            }
        }
        guard let opened = unsafe opened else {
            throw Problem(reason: String(decoding: message.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self))
        }
        unsafe handle = opened
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.unknownRuns = unknownRuns
    }

    deinit { unsafe csp_close(handle) }

    func encode<Sink: TokenSink>(_ text: Span<UInt8>, sink: inout Sink, workspace: inout Workspace) {
        var found = FoundPieces()
        swap(&found, &workspace.foundPieces)
        defer { swap(&found, &workspace.foundPieces) }
        var count: Int
        if let shortened = unknownRuns?.shorten(text) {
            count = find(shortened.bytes.span, &found, wantsOffsets: sink.wantsOffsets)
            if sink.wantsOffsets, count > 0 {
                shortened.restore(&found.starts, count: count)
                shortened.restore(&found.ends, count: count)
            }
        } else {
            count = find(text, &found, wantsOffsets: sink.wantsOffsets)
        }
        // The library refuses texts in which it meets a control piece: they are unknown as a whole.
        if count < 0, let unknownID {
            found.ids[0] = unknownID
            (found.starts[0], found.ends[0]) = (0, Int32(truncatingIfNeeded: text.count))
            count = 1
        }
        for i in 0..<max(0, count) {
            if sink.isFull { return }
            // Pieces count as one word each: the library cuts where it likes.
            sink.add(
                found.ids[i], start: found.starts[i], end: found.ends[i], word: Int32(truncatingIfNeeded: i))
            if sink.wantsOffsets, found.ids[i] == unknownID {
                let range = Int(found.starts[i])..<min(Int(found.ends[i]), text.count)
                sink.setSurface(String(decoding: range.map { text[$0] }, as: UTF8.self))
            }
        }
    }

    /// Pieces as the library returns them.
    struct FoundPieces: Sendable {
        var ids: [Int32] = []
        var starts: [Int32] = []
        var ends: [Int32] = []

        mutating func grow(to count: Int) {
            if ids.count >= count { return }
            ids = [Int32](repeating: 0, count: count)
            starts = ids
            ends = ids
        }
    }

    /// The number of pieces, all of them in `found`; -1 where the library refuses the text.
    private func find(_ text: Span<UInt8>, _ found: inout FoundPieces, wantsOffsets: Bool) -> Int {
        found.grow(to: max(64, text.count))
        let count = findWithRoom(text, &found, wantsOffsets: wantsOffsets)
        if count <= found.ids.count { return count }
        found.grow(to: count)
        return findWithRoom(text, &found, wantsOffsets: wantsOffsets)
    }

    private func findWithRoom(_ text: Span<UInt8>, _ found: inout FoundPieces, wantsOffsets: Bool) -> Int {
        let room = found.ids.count
        let count = unsafe text.withUnsafeBufferPointer { text in
            unsafe found.ids.withUnsafeMutableBufferPointer { ids in
                unsafe found.starts.withUnsafeMutableBufferPointer { starts in
                    unsafe found.ends.withUnsafeMutableBufferPointer { ends in
                        unsafe UnsafeRawBufferPointer(text).withMemoryRebound(to: CChar.self) { characters in
                            unsafe csp_encode(
                                handle, characters.baseAddress, characters.count, ids.baseAddress,
                                wantsOffsets ? starts.baseAddress : nil, ends.baseAddress, room)
                        }
                    }
                }
            }
        }
        return Int(count)
    }

    func decode(_ ids: [Int32]) -> String {
        var bytes = [CChar](repeating: 0, count: 64 + 16 * ids.count)
        while true {
            let count = unsafe ids.withUnsafeBufferPointer { ids in
                unsafe bytes.withUnsafeMutableBufferPointer { text in
                    unsafe csp_decode(handle, ids.baseAddress, ids.count, text.baseAddress, text.count)
                }
            }
            if count < 0 { return "" }
            if count <= bytes.count {
                return String(decoding: bytes[..<Int(count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            }
            bytes = [CChar](repeating: 0, count: Int(count))
        }
    }
}
