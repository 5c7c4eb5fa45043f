namespace CcExport.Engine.Profiles;

/// <summary>What can be wrong with a Parquet file. The library's own words may hold values, and are not shown.</summary>
internal static class ParquetErrors
{
    private const string Again = "Copy or export it again, and run again.";

    /// <summary>Runs the library, and says what its failure means: on damaged input it throws whatever comes, from an index to a lack of memory.</summary>
    public static async Task<T> TellAsync<T>(string place, Func<Task<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (CcException or OperationCanceledException))
        {
            throw e is NotSupportedException or NotImplementedException ? NotSupported(place, null) : Damaged(place, null);
        }
    }

    public static CcException NotParquet(string place) => new("ParquetDamaged", CcErrorKind.InvalidData,
        $"'{place}' is no Parquet file, whatever its name says.", "Check that the file is the right one and was written to its end.")
    { Subject = place };

    public static CcException CutShort(string place) => new("ParquetDamaged", CcErrorKind.InvalidData,
        $"'{place}' is a Parquet file without its end.", $"Its writer has not finished, or it was not copied whole. {Again}")
    { Subject = place };

    public static CcException Damaged(string place, string? column) => new("ParquetDamaged", CcErrorKind.InvalidData,
        $"'{place}' is a damaged Parquet file{(column is null ? "" : $": column '{column}' is not where it should be")}.", Again)
    { Subject = place };

    public static CcException Encrypted(string place) => new("ParquetEncrypted", CcErrorKind.InvalidData,
        $"'{place}' is an encrypted Parquet file, which cannot be read.", "Export the segment without Parquet's own encryption.")
    { Subject = place };

    public static CcException NotSupported(string place, string? column) => new("ParquetNotSupported", CcErrorKind.InvalidData,
        $"'{place}' is a Parquet file with a compression or an encoding that cannot be read{(column is null ? "" : $", in column '{column}'")}.",
        "Export the segment with Snappy, Gzip or Zstandard and data pages of version 1, or as CSV; or leave that column out.")
    { Subject = place };

    public static CcException Nested(string place, string column) => new("ParquetColumnNested", CcErrorKind.InvalidArgument,
        $"The column '{column}' of '{place}' holds lists, records or bytes, not one value a row.", "Map a column with plain values, or export the segment with one.")
    { Subject = place };

    public static CcException NotText(string place, string column) => new("InputNotUtf8", CcErrorKind.InvalidData,
        $"The column '{column}' of '{place}' holds bytes that are no UTF-8 text.", "Map another column, or export the segment with text in it.")
    { Subject = place };

    public static CcException TooLong(string place, string column) => new("InputRecordTooLong", CcErrorKind.InvalidData,
        $"The column '{column}' of '{place}' has a value of over {Limits.RecordBytes / (1024 * 1024)} MB.", "Map another column.")
    { Subject = place };
}
