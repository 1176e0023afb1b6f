/// Memory on a 64-byte boundary, freed with its owner. Written once, before it is shared.
@safe final class AlignedBuffer: @unchecked Sendable {  // see above
    let pointer: UnsafeMutableRawPointer

    init(byteCount: Int) {
        unsafe pointer = UnsafeMutableRawPointer.allocate(byteCount: max(64, byteCount), alignment: 64)
    }

    convenience init(floats: [Float]) {
        self.init(byteCount: 4 * floats.count)
        _ = unsafe UnsafeMutableBufferPointer(start: self.floats, count: floats.count).update(fromContentsOf: floats)
    }

    deinit { unsafe pointer.deallocate() }

    var floats: UnsafeMutablePointer<Float> { unsafe pointer.assumingMemoryBound(to: Float.self) }
}
