BeforeAll {
    . $PSScriptRoot/common.ps1
    Import-Module $Manifest
    $Folder = New-TempFolder
    $Simulator = Start-CcSimulator
    $null = $Simulator | New-CcConnection -AcceptDataPrivacy
    $Csv = Join-Path $Folder 'customers.csv'
    'CustomerId,EMail,FirstName' + [Environment]::NewLine + (@(1..20 | ForEach-Object { "$_,watch$_@example.com,N$_" }) -join [Environment]::NewLine) | Set-Content $Csv
    $To = @{ Connection = 'Simulator'; ListId = $Simulator.ListId; Map = @{ email = 'EMail'; first_name = 'FirstName' } }
    Set-CcExport Watched -Path $Csv @To
    Set-CcExport Broken -Path $Csv @To
    Set-CcExport Broken -Map @{ email = 'NoSuchColumn' }
    function Read-Log([string] $Path) { Get-Content $Path | ConvertFrom-Json }

    # A webhook: takes what comes, until it is told to end, and writes each body into a file.
    function Start-Hook([string] $File) {
        $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $job = Start-ThreadJob {
            $listener, $file = $using:listener, $using:File
            while ($true) {
                try { $client = $listener.AcceptTcpClient() } catch { return }
                $stream = $client.GetStream()
                $reader = [IO.StreamReader]::new($stream)
                $length = 0
                while ($line = $reader.ReadLine()) { if ($line -match '^Content-Length: (\d+)') { $length = [int]$Matches[1] } }
                $body = [char[]]::new($length)
                $null = $reader.ReadBlock($body, 0, $length)
                Add-Content $file ([string]::new($body))
                $stream.Write([Text.Encoding]::ASCII.GetBytes("HTTP/1.1 200 OK`r`nContent-Length: 0`r`nConnection: close`r`n`r`n"))
                $client.Dispose()
            }
        }
        [pscustomobject]@{ Address = "http://127.0.0.1:$($listener.LocalEndpoint.Port)/hook/s3cr3t"; Listener = $listener; Job = $job }
    }
}

AfterAll {
    Stop-CcSimulator
    Remove-Item $Folder -Recurse -Force
}

Describe '-LogPath' {
    It 'writes a run from its begin to its balance, and no address' {
        $log = Join-Path $Folder 'one.jsonl'
        $run = Invoke-CcExport Watched -LogPath $log
        $lines = Read-Log $log
        $ended = $lines | Where-Object event -EQ RunEnded
        $ended.run, $ended.export, $ended.connection, $ended.status, $ended.read, $ended.accepted | Should -Be $run.Id, 'Watched', 'Simulator', 'Completed', 20, 20
        ($lines | Where-Object event -EQ StageBegun).stage | Should -Contain 'send'
        Get-Content $log -Raw | Should -Not -Match '@example'
        if (-not $IsWindows) { (Get-Item $log).UnixMode | Should -Be '-rw-------' }
    }

    It 'is taken from the environment, relative to the location, by all cmdlets that run' {
        Push-Location $Folder
        $env:CCEXPORT_LOG = 'environment.jsonl'
        try {
            $plan = Get-CcPlan Watched
            $plan | Invoke-CcExport | Undo-CcRun -Confirm:$false | Out-Null
            { Resume-CcRun 4711 -ErrorAction Stop } | Should -Throw -ErrorId 'RunNotFound,*'
            { Invoke-CcExport Broken -ErrorAction Stop } | Should -Throw -ErrorId 'ColumnNotFound,*'
        }
        finally {
            $env:CCEXPORT_LOG = $null
            Pop-Location
        }
        $lines = Read-Log (Join-Path $Folder 'environment.jsonl')
        ($lines | Where-Object event -EQ RunBegun).trigger | Should -Be 'OnDemand', 'OnDemand', 'Undo'
        ($lines | Where-Object event -EQ RunBegun).plan | Should -Be $true, $false, $false
        ($lines | Where-Object level -EQ error).errorId | Should -Be 'RunNotFound', 'ColumnNotFound'
    }

    It 'is an error before the run when it cannot be written' {
        $before = @(Get-CcRun).Count
        { Invoke-CcExport Watched -LogPath (Join-Path $Folder 'no/such/folder/log') } | Should -Throw -ErrorId 'LogNotWritable,*'
        @(Get-CcRun).Count | Should -Be $before
    }

    It 'warns once and goes on when it fails later' -Skip:(-not (Test-Path /dev/full)) {
        $run = Invoke-CcExport Watched -LogPath /dev/full -WarningVariable said -WarningAction SilentlyContinue
        $run.Status | Should -Be 'Completed'
        @($said -match 'cannot be written any more').Count | Should -Be 1
    }

    It 'is written by several processes without a line broken or lost' {
        $log = Join-Path $Folder 'shared.jsonl'
        $writer = Join-Path $Folder 'writer.ps1'
        Set-Content $writer @"
            param(`$Number)
            Import-Module '$Manifest'
            `$ErrorActionPreference = 'Stop'
            `$null = Get-CcExport
            `$type = ([AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'CcExport.Engine' }).GetType('CcExport.Engine.Telemetry.RunLog')
            `$log = `$type::Open('$log', { })
            foreach (`$i in 1..2000) { `$log.Message('Warning', "`$Number/`$i " + 'x' * (`$i % 900)) }
            `$log.Dispose()
"@
        $processes = 1..4 | ForEach-Object { Start-Process dotnet "pwsh -NoProfile -NonInteractive -File $writer $_" -PassThru -RedirectStandardError (Join-Path $Folder "error$_") }
        $processes | Wait-Process -Timeout 120
        (Get-ChildItem $Folder/error* | Get-Content) | Should -BeNullOrEmpty
        $lines = Read-Log $log
        $lines.Count | Should -Be 8000
        @($lines.message | ForEach-Object { ($_ -split ' ')[0] } | Sort-Object -Unique).Count | Should -Be 8000
        @($lines.process | Sort-Object -Unique).Count | Should -Be 4
    }
}

Describe 'The meter and the source' {
    It 'are heard by whoever listens in the shell' -Skip:([Environment]::Version.Major -lt 10) {
        Add-Type -TypeDefinition @'
            using System.Collections.Concurrent;
            using System.Diagnostics;
            using System.Diagnostics.Metrics;
            public static class Ear
            {
                public static readonly ConcurrentQueue<string> Heard = new();
                public static void Open()
                {
                    ActivitySource.AddActivityListener(new ActivityListener
                    {
                        ShouldListenTo = s => s.Name == "CcExport",
                        Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                        ActivityStopped = a => Heard.Enqueue(a.OperationName),
                    });
                    var meters = new MeterListener { InstrumentPublished = (i, l) => { if (i.Meter.Name == "CcExport") l.EnableMeasurementEvents(i); } };
                    meters.SetMeasurementEventCallback<long>((i, v, t, s) => Heard.Enqueue(i.Name));
                    meters.SetMeasurementEventCallback<double>((i, v, t, s) => Heard.Enqueue(i.Name));
                    meters.Start();
                }
            }
'@
        [Ear]::Open()
        $null = Invoke-CcExport Watched
        foreach ($name in 'ccexport.run', 'ccexport.send', 'ccexport.request', 'ccexport.runs', 'ccexport.profiles', 'ccexport.request.duration') { [Ear]::Heard | Should -Contain $name }
    }
}

Describe 'Set-CcExport -OnFailure' {
    BeforeAll {
        $Bodies = Join-Path $Folder 'bodies'
        $Hook = Start-Hook $Bodies
    }
    AfterAll {
        $Hook.Listener.Stop()
        Remove-Job $Hook.Job -Force
    }

    It 'shows its host only, and is refused where it is not safe' {
        (Set-CcExport Broken -OnFailure $Hook.Address -PassThru).OnFailure | Should -Be ($Hook.Address -replace '/hook.*', '/***')
        (Get-CcExport Broken | Format-List * | Out-String) + (Get-CcExport Broken | ConvertTo-Json -Depth 5) | Should -Not -Match 's3cr3t'
        { Set-CcExport Broken -OnFailure 'http://example.com/s3cr3t' } | Should -Throw -ErrorId 'OnFailureInvalid,*'
        Export-CcConfiguration -Path (Join-Path $Folder 'home.jsonc')
        Get-Content (Join-Path $Folder 'home.jsonc') -Raw | Should -Not -Match 's3cr3t'
        Import-CcConfiguration (Join-Path $Folder 'home.jsonc') | Should -BeNullOrEmpty
    }

    It 'announces a failure once, with the error that the person sees' {
        $null = Invoke-CcExport Broken -ErrorAction SilentlyContinue
        $null = Invoke-CcExport Broken -ErrorAction SilentlyContinue
        $notice = Get-Content $Bodies | ConvertFrom-Json
        @($notice).Count | Should -Be 1
        $notice.export, $notice.errorId, $notice.status | Should -Be 'Broken', 'ColumnNotFound', 'NotRun'
    }

    It 'takes another shape, and is taken away' {
        Set-CcExport Broken -OnFailure $Hook.Address -OnFailureShape Slack
        $null = Invoke-CcExport Broken -ErrorAction SilentlyContinue
        (Get-Content $Bodies | Select-Object -Last 1 | ConvertFrom-Json).text | Should -Match "'Broken' could not be run"
        (Set-CcExport Broken -OnFailure '' -PassThru).OnFailure | Should -BeNullOrEmpty
    }
}

Describe 'The exit code of pwsh -Command' {
    It 'is 1 when <What>, with a balance of its own for those that went' -ForEach @(
        @{ What = 'an export cannot be run'; Script = 'Invoke-CcExport Broken' }
        @{ What = 'one of several cannot'; Script = 'Invoke-CcExport Broken, Watched' }
        @{ What = 'a run failed'; Script = 'Invoke-CcExport Failing' }
        @{ What = 'there is no such run'; Script = 'Resume-CcRun 4711' }
        @{ What = 'the log cannot be written'; Script = 'Invoke-CcExport Watched -LogPath /no/such/folder/log' }
    ) {
        'CustomerId,EMail' + [Environment]::NewLine + (@(1..300 | ForEach-Object { "$_,none" }) -join [Environment]::NewLine) | Set-Content (Join-Path $Folder 'failing.csv')
        $path = Join-Path $Folder 'failing.csv'
        Set-CcExport Failing -Connection Simulator -ListId $Simulator.ListId -Path $path -Map @{ email = 'EMail' }
        $said = dotnet pwsh -NoProfile -NonInteractive -Command "Import-Module '$Manifest'; $Script" 2>&1 | Out-String
        $LASTEXITCODE | Should -Be 1 -Because $said
    }

    It 'is 0 when all went' {
        $null = dotnet pwsh -NoProfile -NonInteractive -Command "Import-Module '$Manifest'; Invoke-CcExport Watched"
        $LASTEXITCODE | Should -Be 0
    }
}
