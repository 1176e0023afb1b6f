import Tensors
import Testing

@Suite("Columns and stored rows")
struct ColumnsTests {
    @Test("columns are cut out and put side by side again")
    func columns() {
        let matrix = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
        #expect(matrix.columns(1..<3) == Tensor([2, 2], [2, 3, 5, 6]))
        #expect(matrix.columns(1..<1) == Tensor([2, 0], []))
        let large = RandomSource(seed: 2).normalTensor([301, 97], standardDeviation: 1)
        #expect(Tensor(columns: [large.columns(0..<13), large.columns(13..<14), large.columns(14..<97)]) == large)
    }

    @Test("a product takes every value with its counterpart")
    func product() {
        #expect(Tensor([2, 2], [1, 2, 3, 4]) * Tensor([2, 2], [5, 0, -1, 2]) == Tensor([2, 2], [5, 0, -3, 8]))
    }

    @Test("rows of a stored matrix are read where they are")
    func storedRows() {
        let memory = Memory(Array(0..<12).map(Float.init))
        let mapped = unsafe StoredTensor([4, 3], memory.pointer, owner: memory)
        let rows = mapped.rows(1..<3)
        #expect(!rows.isTensor && rows.tensor == Tensor([2, 3], [3, 4, 5, 6, 7, 8]))
        #expect(rows.rows(1..<2).tensor == Tensor([1, 3], [6, 7, 8]))
        #expect(StoredTensor(mapped.tensor).rows(3..<4).tensor == Tensor([1, 3], [9, 10, 11]))
    }
}

@safe private final class Memory: @unchecked Sendable {  // never changed
    let pointer: UnsafePointer<Float>

    init(_ values: [Float]) {
        let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
        _ = unsafe memory.initialize(from: values)
        unsafe pointer = UnsafePointer(memory.baseAddress!)
    }

    deinit { unsafe pointer.deallocate() }
}
