using Parquet;
using Parquet.Schema;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>Parquet files for tests, written by Parquet.Net.</summary>
internal static class ParquetFiles
{
    /// <summary>Text columns; each array of rows is a row group.</summary>
    public static async Task<byte[]> TextAsync(string[] columns, string?[][][] groups, CompressionMethod compression = CompressionMethod.Snappy, bool dictionary = true)
    {
        var schema = new ParquetSchema([.. columns.Select(name => new DataField<string>(name))]);
        var options = new ParquetOptions { CompressionMethod = compression, DictionaryEncodingThreshold = dictionary ? 0.9 : 0 };
        if (dictionary) foreach (string column in columns) options.ColumnEncodingHints[column] = EncodingHint.Dictionary;
        using var file = new MemoryStream();
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(schema, file, options))
        {
            foreach (string?[][] rows in groups)
            {
                using ParquetRowGroupWriter group = writer.CreateRowGroup();
                for (int i = 0; i < columns.Length; i++) await group.WriteAsync(schema.DataFields[i], rows.Select(row => row[i]).ToArray());
            }
        }
        return file.ToArray();
    }

    /// <summary>Any columns, one row group.</summary>
    public static async Task<byte[]> OfAsync(IReadOnlyList<Field> fields, Func<ParquetRowGroupWriter, DataField[], Task> write)
    {
        var schema = new ParquetSchema(fields);
        using var file = new MemoryStream();
        await using (ParquetWriter writer = await ParquetWriter.CreateAsync(schema, file))
        {
            using ParquetRowGroupWriter group = writer.CreateRowGroup();
            await write(group, schema.DataFields);
        }
        return file.ToArray();
    }

    /// <summary>As many people as are needed, in row groups of a thousand.</summary>
    public static Task<byte[]> PeopleAsync(int count, int group = 1000)
        => TextAsync(["CustomerId", "FirstName", "LastName", "EMail"],
            [.. Enumerable.Range(1, count).Select(i => new string?[] { $"K{i}", $"First{i}", i % 7 == 0 ? null : $"Last{i}", $"person{i}@example.com" }).Chunk(group)]);
}
