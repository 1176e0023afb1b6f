import Glibc
import Tensors
import TestSupport
import Testing

@Suite("Tensor operations")
struct TensorOperationsTests {
    private func random(_ shape: Shape, seed: UInt64 = 1) -> Tensor {
        RandomSource(seed: seed).normalTensor(shape, standardDeviation: 1)
    }

    @Test("normalized rows have mean 0 and variance 1, and keep them whatever stands beside")
    func normalization() {
        let input = random([50, 37])
        let rows = input.normalizedRows(epsilon: 1e-12)
        for row in 0..<50 {
            let values = rows.normalized.row(row).map(Double.init)
            #expect(abs(values.reduce(0, +)) < 1e-4)
            #expect(abs(values.reduce(0) { $0 + $1 * $1 } / 37 - 1) < 1e-5)
        }
        #expect(input.rows(7..<8).normalizedRows(epsilon: 1e-12).normalized == rows.normalized.rows(7..<8))
    }

    @Test("softmax and its logarithm sum to one and stay finite for large inputs")
    func softmax() {
        var input = random([20, 5])
        input.scale(by: 200)
        let probabilities = input.softmaxedRows()
        #expect(probabilities.isFinite && input.logSoftmaxedRows().isFinite)
        for row in 0..<20 { #expect(abs(probabilities.row(row).reduce(0, +) - 1) < 1e-5) }
        let worked = Tensor([1, 2], [0, logf(3)]).softmaxedRows()
        #expect(worked.largestDifference(from: Tensor([1, 2], [0.25, 0.75])) < 1e-6)
    }

    @Test("the largest value of a row counts wherever it stands", arguments: [16, 48, 64, 80, 128, 144])
    func largestAnywhere(columns: Int) {
        for place in 0..<columns {
            var row = [Float](repeating: 0, count: columns)
            row[place] = 1000
            let probabilities = Tensor([1, columns], row).softmaxedRows().values
            #expect(probabilities[place] == 1 && probabilities.reduce(0, +) == 1)
        }
    }

    @Test("rounding to bfloat16 goes to the nearest, of two as near to the even one", arguments: [1, 15, 16, 17, 33])
    func rounding(count: Int) {
        let some: [Float] = [
            1, -1, 0, 1.003_906_25, 1.011_718_75, -1.003_906_3, 1.001, 3.141_592_7, 1e-30, -6.1e30, 3.4e38,
            .infinity, -.infinity,
        ]
        let values = (0..<count).map { some[$0 % some.count] * (1 + Float($0 / some.count)) }
        let rounded = ProductOperand(Tensor([1, count], values), .bf16).tensor.values
        for (value, found) in zip(values, rounded) {
            let bits = value.bitPattern
            let expected = Float(bitPattern: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) & 0xFFFF_0000)
            #expect(found == expected, "\(value)")
        }
        let missing = ProductOperand(Tensor([1, 1], [.nan]), .bf16).tensor.values
        #expect(missing[0].isNaN)
    }

    @Test("softmax of wide rows is that of f64, whatever their width", arguments: [1, 15, 16, 17, 1000])
    func wideSoftmax(columns: Int) {
        let input = RandomSource(seed: 4).normalTensor([7, columns], standardDeviation: 8)
        let (probabilities, logs) = (input.softmaxedRows(), input.logSoftmaxedRows())
        for row in 0..<7 {
            let values = input.row(row).map(Double.init)
            let largest = values.max() ?? 0
            let logSum = largest + log(values.reduce(0) { $0 + exp($1 - largest) })
            for (i, value) in values.enumerated() {
                #expect(abs(Double(logs.row(row)[logs.row(row).startIndex + i]) - (value - logSum)) < 1e-5)
                let probability = probabilities.row(row)[probabilities.row(row).startIndex + i]
                #expect(abs(Double(probability) - exp(value - logSum)) < 1e-6)
            }
        }
    }

    @Test("gather reads rows, scatterAdd adds them back, and repeated rows add up")
    func gatherAndScatter() {
        let table = Tensor([3, 2], [1, 2, 3, 4, 5, 6])
        #expect(table.gather([2, 0, 2]) == Tensor([3, 2], [5, 6, 1, 2, 5, 6]))
        var sum = Tensor.zeros([3, 2])
        sum.scatterAdd(Tensor([3, 2], [1, 1, 2, 2, 10, 20]), at: [2, 0, 2])
        #expect(sum == Tensor([3, 2], [2, 2, 0, 0, 11, 21]))
        let sparse = SparseRows(shape: [3, 2], indices: [2, 0, 2], values: Tensor([3, 2], [1, 1, 2, 2, 10, 20]))
        #expect(sparse.rows == [0, 2])
        #expect(sparse.dense == sum)
    }

    @Test("sums of rows and columns are the ones worked by hand")
    func sums() {
        let matrix = Tensor([2, 3], [1, 2, 3, 4, 5, 6])
        var sum = Tensor([3], [1, 1, 1])
        sum.addSumOfRows(matrix)
        #expect(sum == Tensor([3], [6, 8, 10]))
        #expect(matrix.sumOfSquares == 91)
        #expect(
            matrix.weightedSums(of: [0..<2, 1..<2]) { _, length in 1 / Float(length) }
                == Tensor([2, 3], [2.5, 3.5, 4.5, 4, 5, 6]))
        #expect(Tensor([2, 2], [1, -5, -2, 7]).largestValues(of: [0..<2]) == Tensor([1, 2], [1, 7]))
        var unit = Tensor([2, 2], [3, 4, 0, 0])
        unit.normalizeRows()
        #expect(unit.largestDifference(from: Tensor([2, 2], [0.6, 0.8, 0, 0])) < 1e-7)
    }

    @Test("dropout drops its share, keeps the mean, and is the same for the same seed")
    func dropout() throws {
        let ones = Tensor(repeating: 1, [400, 250])
        let mask = try #require(DropoutMask(probability: 0.1, random: RandomSource(seed: 5)))
        var dropped = ones
        dropped.apply(mask)
        let share = Double(dropped.values.count { $0 == 0 }) / 100_000
        #expect(abs(share - 0.1) < 0.004)
        #expect(abs(Double(dropped.values.reduce(0, +)) / 100_000 - 1) < 0.005)
        var again = ones
        again.apply(DropoutMask(probability: 0.1, random: RandomSource(seed: 5)))
        #expect(again == dropped)
        var other = ones
        other.apply(DropoutMask(probability: 0.1, random: RandomSource(seed: 6)))
        #expect(other != dropped)
        #expect(DropoutMask(probability: 0, random: RandomSource(seed: 5)) == nil)
        #expect(DropoutMask(probability: 0.1, random: nil) == nil)
    }

    @Test("a step on some rows of a table equals the step with zeros in all others")
    func sparseAdamW() {
        let shape: Shape = [6, 4]
        var (dense, denseFirst, denseSecond) = (random(shape), Tensor.zeros(shape), Tensor.zeros(shape))
        var (sparse, sparseFirst, sparseSecond) = (dense, denseFirst, denseSecond)
        var moved = [Bool](repeating: false, count: 6)
        for (step, rows) in [[1, 3], [3, 5], [0, 3]].enumerated() {
            let gradient = SparseRows(
                shape: shape, indices: rows.map { Int32($0) }, values: random([2, 4], seed: UInt64(step)))
            let adamW = AdamWStep(learningRate: 0.1, weightDecay: 0.01, gradientScale: 0.5, step: step + 1)
            adamW.apply(to: &dense, &denseFirst, &denseSecond, gradient: gradient.dense)
            adamW.apply(to: &sparse, &sparseFirst, &sparseSecond, gradient: gradient, moved: &moved)
        }
        #expect(sparse.largestDifference(from: dense) < 1e-7)
        #expect(sparseFirst == denseFirst && sparseSecond == denseSecond)
    }

    @Test("a tensor with a value that is not finite says so")
    func finiteness() {
        #expect(Tensor([3], [1, -2, 3]).isFinite)
        #expect(!Tensor([3], [1, .nan, 3]).isFinite)
        #expect(!Tensor([3], [1, .infinity, 3]).isFinite)
    }
}
