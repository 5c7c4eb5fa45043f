using CcExport.Engine.Profiles;
using Parquet.Meta;

namespace CcExport.Engine.Tests.Profiles;

/// <summary>Which columns the library decodes rightly: what it would read as something else has to be refused.</summary>
public sealed class ParquetColumnTests
{
    private static ColumnMetaData Bools(List<Encoding> encodings, params PageEncodingStats[] pages) => new()
    {
        Type = Parquet.Meta.Type.BOOLEAN,
        Codec = CompressionCodec.SNAPPY,
        Encodings = encodings,
        EncodingStats = pages.Length > 0 ? new List<PageEncodingStats>(pages) : null,
    };

    private static PageEncodingStats Page(PageType type, Encoding encoding) => new() { PageType = type, Encoding = encoding, Count = 1 };

    [Fact]
    public void Bools_in_runs_are_refused()
    {
        Assert.False(ParquetColumn.CanDecode(Bools([Encoding.RLE], Page(PageType.DATA_PAGE, Encoding.RLE))));
        Assert.False(ParquetColumn.CanDecode(Bools([Encoding.PLAIN, Encoding.RLE], Page(PageType.DATA_PAGE_V2, Encoding.RLE))));
        Assert.False(ParquetColumn.CanDecode(Bools([Encoding.PLAIN, Encoding.RLE], Page(PageType.DATA_PAGE, Encoding.PLAIN), Page(PageType.DATA_PAGE, Encoding.RLE))));
        Assert.False(ParquetColumn.CanDecode(Bools([Encoding.RLE])));
    }

    [Fact]
    public void Plain_bools_are_decoded_however_their_levels_are_written()
    {
        Assert.True(ParquetColumn.CanDecode(Bools([Encoding.PLAIN, Encoding.RLE], Page(PageType.DATA_PAGE, Encoding.PLAIN))));
        Assert.True(ParquetColumn.CanDecode(Bools([Encoding.RLE, Encoding.PLAIN])));
        Assert.True(ParquetColumn.CanDecode(Bools([Encoding.PLAIN])));
        Assert.True(ParquetColumn.CanDecode(new ColumnMetaData { Type = Parquet.Meta.Type.BYTE_ARRAY, Codec = CompressionCodec.SNAPPY, Encodings = [Encoding.RLE] }));
    }

    [Theory]
    [InlineData(CompressionCodec.LZ4, false)]
    [InlineData(CompressionCodec.LZO, false)]
    [InlineData(CompressionCodec.LZ4_RAW, true)]
    [InlineData(CompressionCodec.SNAPPY, true)]
    [InlineData(CompressionCodec.UNCOMPRESSED, true)]
    public void LZ4_in_frames_of_Hadoop_is_refused(CompressionCodec codec, bool decoded)
        => Assert.Equal(decoded, ParquetColumn.CanDecode(new ColumnMetaData { Type = Parquet.Meta.Type.BYTE_ARRAY, Codec = codec, Encodings = [Encoding.PLAIN] }));
}
