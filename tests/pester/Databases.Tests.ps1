# What comes out of a database, read with a real provider (Npgsql) from a real PostgreSQL; and with the .NET types that any provider has.
BeforeDiscovery {
    # build.ps1 test starts the server and says where it is.
    $Server = $env:CCEXPORT_TEST_POSTGRES
    if (-not $Server -and $env:CI) { throw 'PostgreSQL is missing: initdb and pg_ctl were not found.' }
    $Why = if ($Server) { '' } else { ' (skipped: needs PostgreSQL, initdb and pg_ctl, and build.ps1 test)' }
}

BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Target = @{ Connection = 'Simulator'; ListId = $Simulator.ListId; WarningAction = 'Ignore' }
    $Map = @{ email = 'email'; first_name = 'first_name'; birthday_month = 'month'; birthday_day = 'day' }

    function Open-Table([string[][]] $Rows) {
        $table = [Data.DataTable]::new()
        foreach ($name in 'CustomerId', 'EMail', 'FirstName') { $null = $table.Columns.Add($name) }
        foreach ($row in $Rows) { $null = $table.Rows.Add([object[]] $row) }
        , $table
    }
}

AfterAll { Stop-CcSimulator }

Describe 'Rows of a database' {
    It 'may be a table, as it is' {
        $table = Open-Table ('1', 'ann@example.com', 'Ann'), ('2', 'nobody', 'No'), ('3', 'bob@example.com', 'Bob')
        $run = Invoke-CcExport -InputObject $table @Target -Map @{ email = 'EMail'; first_name = 'FirstName' }
        $run.Read, $run.Invalid, $run.Accepted | Should -Be 3, 1, 2
        (Get-CcRejection -RunId $run.Id).SourceKey | Should -Be '2'
    }

    It 'may be an open reader, read to its end' {
        $reader = (Open-Table ('1', 'cid@example.com', 'Cid'), ('2', 'dan@example.com', $null)).CreateDataReader()
        $run = Invoke-CcExport -InputObject $reader @Target -Map @{ email = 'EMail'; first_name = 'FirstName' }
        $run.Read, $run.Accepted | Should -Be 2, 2
        $reader.Read() | Should -BeFalse
    }

    It 'may come one by one, as a reader is enumerated' {
        $reader = (Open-Table ('1', 'eve@example.com', 'Eve'), ('2', 'fay@example.com', 'Fay')).CreateDataReader()
        $run = $reader | Invoke-CcExport @Target -Map @{ email = 'EMail'; first_name = 'FirstName' }
        $run.Read, $run.Accepted | Should -Be 2, 2
    }
}

Describe "PostgreSQL<_>" -ForEach $Why -Skip:(-not $Server) {
    BeforeAll {
        # Into the session itself, as a person's script would have it; the module's own packages are elsewhere.
        foreach ($name in 'Microsoft.Extensions.DependencyInjection.Abstractions.dll', 'Microsoft.Extensions.Logging.Abstractions.dll') {
            $null = [Reflection.Assembly]::LoadFrom((Join-Path $Stage "bin/deps/$name"))
        }
        $null = [Reflection.Assembly]::LoadFrom((Join-Path $Root 'tests/CcExport.Engine.Tests/bin/Release/net10.0/Npgsql.dll'))
        $Database = [Npgsql.NpgsqlConnection]::new($env:CCEXPORT_TEST_POSTGRES)
        $Database.Open()
        $make = $Database.CreateCommand()
        $make.CommandText = @'
drop table if exists customer;
create table customer (customerid uuid, email text, first_name varchar(60), month int, day smallint, score numeric(8,2), changed timestamptz, active boolean);
insert into customer select gen_random_uuid(), 'person' || i || '@example.com', case when i % 7 = 0 then null else 'Zoë ' || i end, 1 + i % 12, 1 + i % 28, i / 3.0, now(), true
from generate_series(1, 20000) i;
'@
        $null = $make.ExecuteNonQuery()

        function Open-Query([string] $Sql) {
            $command = $Database.CreateCommand()
            $command.CommandText = $Sql
            , $command.ExecuteReader()
        }
    }
    AfterAll { $Database.Dispose() }

    It 'is read through an open reader, with its own types' {
        $reader = Open-Query 'select * from customer order by email'
        try { $run = Invoke-CcExport -InputObject $reader @Target -Map $Map } finally { $reader.Dispose() }
        "$($run.Status)", $run.Read, $run.Accepted | Should -Be 'Completed', 20000, 20000
        $ann = Invoke-RestMethod "$($Simulator.Url)admin/lists/$($Simulator.ListId)/contacts.csv" | ConvertFrom-Csv | Where-Object email -EQ 'person13@example.com'
        $ann.first_name, $ann.birthday_month, $ann.birthday_day | Should -Be 'Zoë 13', '2', '14'
    }

    It 'is read through the pipeline' {
        $reader = Open-Query 'select customerid, email, first_name, month, day from customer where email < ''person2'''
        try { $run = $reader | Invoke-CcExport @Target -Map $Map } finally { $reader.Dispose() }
        "$($run.Status)", ($run.Read -gt 10000), ($run.Accepted -eq $run.Read) | Should -Be 'Completed', $true, $true
    }

    It 'is read through the pipeline as objects that a script made' {
        $reader = Open-Query 'select customerid, email from customer limit 50'
        try { $run = & { while ($reader.Read()) { [pscustomobject]@{ Key = $reader['customerid']; Mail = $reader['email'] } } } | Invoke-CcExport @Target -Map @{ email = 'Mail' } -KeyProperty Key }
        finally { $reader.Dispose() }
        $run.Accepted | Should -Be 50
    }

    It 'sends nothing when the query fails half way, and does not repeat its words' {
        $before = (Get-CcList -Connection Simulator | Where-Object ListId -EQ $Simulator.ListId).MembershipCount
        $reader = Open-Query "select 'new' || i || '@example.com' as email, 'x' as first_name, 1 / (15000 - i) as month, 1 as day from generate_series(1, 20000) i"
        try { { Invoke-CcExport -InputObject $reader @Target -Map $Map -ErrorAction Stop } | Should -Throw -ErrorId 'InputFailed*' } finally { $reader.Dispose() }
        (Get-CcList -Connection Simulator | Where-Object ListId -EQ $Simulator.ListId).MembershipCount | Should -Be $before
        $Error[0].Exception.Message | Should -Not -Match 'zero|select|example'
        "$((Get-CcRun -Last 1).Status)" | Should -Be 'Canceled'
    }
}
