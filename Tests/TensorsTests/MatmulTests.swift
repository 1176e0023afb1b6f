import Tensors
import TestSupport
import Testing

@Suite("matmul")
struct MatmulTests {
    private static let sizes = [
        (1, 1, 1), (1, 5, 9), (9, 1, 7), (7, 9, 1), (3, 5, 7), (33, 50, 36), (100, 48, 300), (65, 16, 513),
        (2, 384, 384),
    ]

    /// Sums in `Double`, one by one.
    private func reference(
        _ rows: Int, _ columns: Int, _ depth: Int, _ a: (Int, Int) -> Float, _ b: (Int, Int) -> Float
    )
        -> Tensor
    {
        var values: [Float] = []
        for row in 0..<rows {
            for column in 0..<columns {
                values.append(Float((0..<depth).reduce(0.0) { $0 + Double(a(row, $1)) * Double(b($1, column)) }))
            }
        }
        return Tensor([rows, columns], values)
    }

    private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Tensor {
        RandomSource(seed: seed).normalTensor([rows, columns], standardDeviation: 1)
    }

    @Test("equals sums in Double, plain, transposed and with a bias", arguments: sizes)
    func products(rows: Int, columns: Int, depth: Int) {
        let a = random(rows, depth, seed: 1)
        let b = random(depth, columns, seed: 2)
        let bT = random(columns, depth, seed: 3)
        let bias = random(1, columns, seed: 4).reshaped([columns])
        let plain = reference(rows, columns, depth) {
            a.values[$0 * depth + $1]
        } _: {
            b.values[$0 * columns + $1]
        }
        #expect(matmul(a, b).relativeDifference(from: plain) < 2e-6)
        var sum = plain
        sum.addProduct(a, b)
        #expect(sum.relativeDifference(from: plain + plain) < 2e-6)
        var transposed = reference(rows, columns, depth) {
            a.values[$0 * depth + $1]
        } _: {
            bT.values[$1 * depth + $0]
        }
        #expect(matmul(a, bT.transposed).relativeDifference(from: transposed) < 2e-6)
        transposed.mutate { values in for i in values.indices { values[i] += bias.values[i % columns] } }
        #expect(matmul(a, bT.transposed, bias: bias).relativeDifference(from: transposed) < 2e-6)
    }

    @Test("addProduct adds Aᵀ·B to what is there", arguments: sizes)
    func accumulation(rows: Int, columns: Int, depth: Int) {
        let a = random(depth, rows, seed: 1)
        let b = random(depth, columns, seed: 2)
        let start = random(rows, columns, seed: 3)
        var sum = start
        sum.addProduct(transposed: ProductOperand(a), ProductOperand(b))
        var expected = reference(rows, columns, depth) {
            a.values[$1 * rows + $0]
        } _: {
            b.values[$0 * columns + $1]
        }
        expected += start
        #expect(sum.relativeDifference(from: expected) < 2e-6)
        var fresh = matmul(transposed: ProductOperand(a), ProductOperand(b))
        fresh += start
        #expect(fresh.relativeDifference(from: expected) < 2e-6)
    }

    @Test("products of operands in bf16 are those of f32 to its rounding", arguments: sizes)
    func halves(rows: Int, columns: Int, depth: Int) {
        guard Precision.bf16.reasonUnavailable == nil else { return }
        let (a, b) = (random(rows, depth, seed: 1), random(depth, columns, seed: 2))
        let exact = matmul(a, b)
        #expect(matmul(ProductOperand(a, .bf16), PackedMatrix(b, .bf16)).relativeDifference(from: exact) < 1e-2)
        var sum = exact
        sum.addProduct(ProductOperand(a, .bf16), PackedMatrix(b, .bf16))
        #expect(sum.relativeDifference(from: exact + exact) < 1e-2)
        let (tall, wide) = (random(depth, rows, seed: 3), random(depth, columns, seed: 4))
        let transposed = matmul(transposed: ProductOperand(tall), ProductOperand(wide))
        let halves = matmul(transposed: ProductOperand(tall, .bf16), ProductOperand(wide, .bf16))
        #expect(halves.relativeDifference(from: transposed) < 1e-2)
    }

    @Test("a row's product is the same bits whatever rows stand beside it")
    func rowInvariance() {
        let b = PackedMatrix(random(50, 36, seed: 2).transposed)
        let square = random(36, 50, seed: 5)
        let all = random(200, 36, seed: 1)
        let (whole, wholePlain) = (matmul(all, b), matmul(all, square))
        for range in [0..<1, 3..<4, 0..<31, 5..<69, 100..<200] {
            #expect(matmul(all.rows(range), b).isSameRows(as: whole.rows(range)))
            #expect(matmul(all.rows(range), square).isSameRows(as: wholePlain.rows(range)))
        }
    }

    @Test("no rows give no rows")
    func empty() {
        let product = matmul(Tensor.zeros([0, 4]), random(3, 4, seed: 1).transposed)
        #expect(product.shape == [0, 3])
    }
}
