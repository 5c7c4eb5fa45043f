using System.Globalization;

namespace CcExport.Simulator.Insights;

/// <summary>Writes rows of the tables of Dataverse, from a position on.</summary>
internal sealed class DataverseTables(InsightsEstate estate)
{
    public const string CustomerId = "msdynci_customerid", Type = "msdynci_segmentmembershiptype", Provider = "msdynci_segmentprovider", SegmentsColumn = "msdynci_segments",
        Identifier = "msdynci_identifier";

    /// <summary>Membership rows that contain one of the texts (null: all), up to so many; the position after them, or null at the end.</summary>
    public long? Memberships(JsonBytes json, long position, int most, IReadOnlyList<string>? contains, IReadOnlyList<string> select)
    {
        MembershipTexts texts = estate.Texts();
        IReadOnlyList<SimulatedMembership> memberships = estate.WrittenMemberships;
        IReadOnlyList<SimulatedProfile> written = estate.Written;
        var hits = new Dictionary<ulong, bool>();
        bool Hits(string? text) => contains is null || (text is not null && contains.Any(c => text.Contains(c, StringComparison.OrdinalIgnoreCase)));
        long computed = memberships.Count + written.Count, end = computed + (estate.Profiles * 2);
        int rows = 0, every = estate.ForeignRowEvery;
        for (; position < end; position++)
        {
            if (rows == most) return position;
            if (position < computed)
            {
                SimulatedMembership row = position < memberships.Count ? memberships[(int)position]
                    : written[(int)(position - memberships.Count)] is var p ? new SimulatedMembership(p.CustomerId, MembershipTexts.Text(p.Segments)) : null!;
                if (!Hits(row.Segments)) continue;
                Row(json, position, row, select);
                rows++;
                continue;
            }
            long number = (position - computed) >> 1;
            bool foreign = ((position - computed) & 1) == 1;
            if (foreign && (every == 0 || number % every != every - 1)) continue;
            ulong set = texts.SetOf(number);
            if (set == 0) continue;
            if (!hits.TryGetValue(set, out bool hit)) hits[set] = hit = Hits(texts.Of(set).Text);
            if (!hit) continue;
            Start(json, position);
            foreach (string column in select)
            {
                Name(json, column);
                switch (column)
                {
                    case CustomerId:
                        estate.Writer.Id(json, number);
                        break;
                    case SegmentsColumn:
                        json.Raw(texts.Of(set).Json);
                        break;
                    case Type:
                        json.Raw(foreign ? "\"Contact\""u8 : "\"Customer\""u8);
                        break;
                    case Provider:
                        json.Raw(foreign ? "\"Journeys\""u8 : "\"CustomerInsights\""u8);
                        break;
                    default:
                        json.Raw("null"u8);
                        break;
                }
            }
            json.Raw("},"u8);
            rows++;
        }
        return null;
    }

    private static void Row(JsonBytes json, long position, SimulatedMembership row, IReadOnlyList<string> select)
    {
        Start(json, position);
        foreach (string column in select)
        {
            Name(json, column);
            json.Text(column switch { CustomerId => row.CustomerId, SegmentsColumn => row.Segments, Type => row.Type, Provider => row.Provider, _ => null });
        }
        json.Raw("},"u8);
    }

    /// <summary>All profiles, up to so many; the position after them, or null at the end.</summary>
    public long? Profiles(JsonBytes json, long position, int most, IReadOnlyList<ProfileColumn> select)
    {
        IReadOnlyList<SimulatedProfile> written = estate.Written;
        long end = written.Count + estate.Profiles;
        for (int rows = 0; position < end; position++)
        {
            if (rows == most) return position;
            if (position < written.Count) Written(json, position, written[(int)position], select);
            else if (estate.Gone(position - written.Count)) continue;
            else Computed(json, position - written.Count, select);
            rows++;
        }
        return null;
    }

    /// <summary>The profiles of these ids; positions count the ids.</summary>
    public long? ProfilesOf(JsonBytes json, long position, int most, IReadOnlyList<string> ids, IReadOnlyList<ProfileColumn> select)
    {
        IReadOnlyList<SimulatedProfile> written = estate.Written;
        for (int rows = 0; position < ids.Count; position++)
        {
            if (rows == most) return position;
            string id = ids[(int)position];
            long number = estate.Writer.NumberOf(id);
            if (number >= 0 && number < estate.Profiles)
            {
                if (estate.Gone(number)) continue;
                Computed(json, number, select);
                rows++;
            }
            else if (written.FirstOrDefault(p => p.CustomerId.Equals(id, StringComparison.OrdinalIgnoreCase)) is { } profile)
            {
                Written(json, position, profile, select);
                rows++;
            }
        }
        return null;
    }

    private void Computed(JsonBytes json, long number, IReadOnlyList<ProfileColumn> select)
    {
        Start(json, number);
        for (int i = 0; i < select.Count; i++)
        {
            json.Raw(select[i].DataversePrefix);
            estate.Writer.Value(json, number, select[i].Field);
        }
        json.Raw("},"u8);
    }

    private static void Written(JsonBytes json, long position, SimulatedProfile profile, IReadOnlyList<ProfileColumn> select)
    {
        Start(json, position);
        foreach (ProfileColumn column in select)
        {
            json.Raw(column.DataversePrefix);
            ProfileWriter.Value(json, profile, column.Field);
        }
        json.Raw("},"u8);
    }

    /// <summary>What is known of segments.</summary>
    public long? Segments(JsonBytes json, long position, int most, IReadOnlyList<string> select)
    {
        IReadOnlyList<SimulatedSegment> segments = estate.Segments;
        for (int rows = 0; position < segments.Count; position++, rows++)
        {
            if (rows == most) return position;
            SimulatedSegment segment = segments[(int)position];
            Start(json, position);
            foreach (string column in select)
            {
                Name(json, column);
                if (column == "mscipriv_membercount") json.Number(segment.ToldSize ?? estate.SizeOf(segment));
                else
                {
                    json.Text(column switch
                    {
                        "mscipriv_name" => segment.Name,
                        "mscipriv_friendlyname" => segment.FriendlyName,
                        "mscipriv_state" => segment.State,
                        "mscipriv_evaluationdate" => segment.EvaluatedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
                        "mscipriv_evaluationstatus" => segment.EvaluationStatus,
                        _ => null,
                    });
                }
            }
            json.Raw("},"u8);
        }
        return null;
    }

    private static void Start(JsonBytes json, long number)
    {
        json.Raw("{\"@odata.etag\":\"W/\\\""u8);
        json.Number(1_000_000 + number);
        json.Raw("\\\"\""u8);
    }

    private static void Name(JsonBytes json, string column)
    {
        json.Raw(",\""u8);
        json.Raw(System.Text.Encoding.ASCII.GetBytes(column));
        json.Raw("\":"u8);
    }
}
