import Checkpoints
import Embeddings
import JSON
import Tasks
import Tensors

/// What `graft bench` found, as a table and as a JSON record.
struct BenchReport {
    let model: String
    var operationsPerToken = 0
    /// Precisions that this machine does not offer, with the reason.
    var refused: [(precision: Precision, reason: String)] = []
    var cells: [(precision: Precision, cell: EncoderBenchmark.Cell)] = []

    init(model: String) { self.model = model }

    /// Of the engine's products, the best of all measurements.
    private var engineRates: [(precision: Precision, gigaflopsPerSecond: Double)] {
        Precision.allCases.compactMap { precision in
            cells.lazy.filter { $0.precision == precision }.map(\.cell.engineGigaflopsPerSecond).max()
                .map { (precision, $0) }
        }
    }

    var text: String {
        let engine = MatrixEngine.current
        let rates = engineRates.map { "\($0.precision.rawValue) \(fixed($0.gigaflopsPerSecond, 0))" }
        var table = Table([
            "\nprecision", "tokens", "texts", "ms/batch", "sentences/s", "tokens/s", "GFLOP/s", "of engine",
        ])
        for (precision, cell) in cells {
            table.add([
                precision.rawValue, "\(cell.length)", "\(cell.batchSize)", fixed(1000 * cell.seconds, 3),
                fixed(cell.sentencesPerSecond, 0), fixed(cell.tokensPerSecond, 0), fixed(cell.gigaflopsPerSecond, 0),
                "\(fixed(100 * cell.shareOfEngine, 0)) %",
            ])
        }
        return """
            model         \(model), \(fixed(Double(operationsPerToken) / 1e6, 1)) MFLOP a token in products with weights
            engine        \(engine.rawValue) \(engine.details), \(ThreadPool.shared.threads.counted("thread"))
            products      GFLOP/s: \(rates.joined(separator: ", "))

            """ + refused.map { "refused       \($0.reason)\n" }.joined() + table.text
    }

    var json: String {
        let engine = MatrixEngine.current
        var reasons = JSONObject()
        for (precision, reason) in refused { reasons.append(precision.rawValue, .string(reason)) }
        let record = JSON.object([
            "model": .string(model), "version": .string(Version.text), "engine": .string(engine.rawValue),
            "engineDetails": .string(engine.details), "threads": .integer(ThreadPool.shared.threads),
            "floatingPointOperationsPerToken": .integer(operationsPerToken), "refused": .object(reasons),
            "cells": .array(cells.map { json($0.precision, $0.cell) }),
        ])
        return String(decoding: record.serialized(), as: UTF8.self)
    }

    private func json(_ precision: Precision, _ cell: EncoderBenchmark.Cell) -> JSON {
        .object([
            "precision": .string(precision.rawValue), "length": .integer(cell.length),
            "batchSize": .integer(cell.batchSize), "millisecondsPerBatch": .number(1000 * cell.seconds),
            "fastest": .number(1000 * cell.fastest), "slowest": .number(1000 * cell.slowest),
            "sentencesPerSecond": .number(cell.sentencesPerSecond), "tokensPerSecond": .number(cell.tokensPerSecond),
            "gigaflopsPerSecond": .number(cell.gigaflopsPerSecond),
            "engineGigaflopsPerSecond": .number(cell.engineGigaflopsPerSecond),
            "shareOfEngine": .number(cell.shareOfEngine),
        ])
    }
}
