-- SPDX-License-Identifier: GPL-2.0-or-later
-- A store of the second schema, as the last oomlens that made such filled it at the top of this tree:
--   oomlens import --db v2.db tests/stores/version-2.log tests/cases/6.12-memcg-swap/log tests/cases/5.10-dead-leader/log \
--     tests/cases/6.1-numa/log
-- What a recorder adds was put into event 3 by hand.  Then: sqlite3 v2.db .dump
PRAGMA page_size = 16384;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 0x4f4f4d4c;
PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE host (
	host_id INTEGER PRIMARY KEY,
	hostname TEXT, machine_id TEXT
);
INSERT INTO host VALUES(1,'old1',NULL);
INSERT INTO host VALUES(2,'old2',NULL);
INSERT INTO host VALUES(3,NULL,NULL);
CREATE TABLE event (
	event_id INTEGER PRIMARY KEY,
	host_id INTEGER NOT NULL REFERENCES host (host_id),
	fingerprint TEXT NOT NULL UNIQUE,
	origin TEXT, path TEXT, first_line INTEGER, last_line INTEGER,
	host TEXT, boot_id TEXT, machine_id TEXT, kernel TEXT, kernel_from TEXT,
	boot_us INTEGER, wall_us INTEGER, stamp TEXT,
	trigger_comm TEXT, trigger_pid INTEGER, trigger_uid INTEGER, trigger_adj INTEGER,
	"order" INTEGER, gfp_mask INTEGER, gfp_raw TEXT, gfp_flags TEXT, tainted TEXT,
	scope TEXT, "constraint" TEXT, nodemask TEXT, cpuset TEXT, mems_allowed TEXT,
	oom_memcg TEXT, task_memcg TEXT, global_oom INTEGER, memcg_version INTEGER,
	memcg_usage_kb INTEGER, memcg_limit_kb INTEGER, memcg_failcnt INTEGER, memsw_usage_kb INTEGER, memsw_limit_kb INTEGER,
	memcg_swap_usage_kb INTEGER, memcg_swap_limit_kb INTEGER, kmem_usage_kb INTEGER, kmem_limit_kb INTEGER,
	protect_min_kb INTEGER, protect_low_kb INTEGER,
	page_size INTEGER, page_size_from TEXT,
	ram_pages INTEGER, reserved_pages INTEGER, cma_reserved_pages INTEGER, highmem_pages INTEGER, hwpoisoned_pages INTEGER,
	swap_total_kb INTEGER, swap_free_kb INTEGER, boot_swap_total_kb INTEGER, boot_swap_line INTEGER, total_pages INTEGER,
	chosen_pid INTEGER, chosen_uid INTEGER, chosen_comm TEXT, chosen_score INTEGER,
	allocating_task INTEGER, oom_group INTEGER, oom_group_path TEXT, sysrq INTEGER, outcome TEXT, outcome_text TEXT,
	has_invoked INTEGER, has_table INTEGER, table_complete INTEGER, has_mem_info INTEGER,
	suppressed INTEGER, damaged_lines INTEGER,
	at_invoked INTEGER, at_cpuset INTEGER, at_header INTEGER, at_memcg INTEGER, at_limit INTEGER, at_meminfo INTEGER,
	at_swap INTEGER, at_ram INTEGER, at_table INTEGER, at_summary INTEGER, at_score INTEGER, at_kill INTEGER,
	at_outcome INTEGER
, feeds TEXT, ballot TEXT, ballot_lost INTEGER);
INSERT INTO event VALUES(1,1,'6e700c2fdb7742bed6f0957afac25471','text','tests/stores/version-2.log',1,14,'old1',NULL,NULL,'2.6.39.4','header',NULL,NULL,'Nov  3 04:11:07','httpd',2301,NULL,0,0,131546,'0x201da',NULL,'','global',NULL,NULL,'/','0',NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4096,'victim',261888,7611,NULL,NULL,NULL,1048572,0,NULL,NULL,NULL,2302,NULL,'httpd',317,0,0,NULL,0,'killed',NULL,1,1,1,1,0,0,1,2,3,NULL,NULL,4,6,7,9,NULL,13,14,NULL,NULL,NULL,NULL);
INSERT INTO event VALUES(2,2,'0857824172a5e78bf4f95479b9309868','text','tests/stores/version-2.log',15,28,'old2',NULL,NULL,'4.4.0-148-generic','header',7711000001,NULL,'Nov  4 05:12:08','java',901,NULL,0,0,37912778,'0x24280ca',NULL,'','global',NULL,NULL,'/','0',NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4096,'victim',262045,7721,NULL,NULL,NULL,0,0,NULL,NULL,NULL,901,NULL,'java',788,0,0,NULL,0,'killed',NULL,1,1,1,1,0,0,15,16,17,NULL,NULL,18,20,21,23,NULL,27,28,NULL,NULL,NULL,NULL);
INSERT INTO event VALUES(3,3,'9b0f5a566f5e7b6d8826a0ca69cd4aec','text','tests/cases/6.12-memcg-swap/log',5,104,NULL,'b0a7',NULL,'6.12.117+deb12-cloud-amd64','header',14360671,NULL,NULL,'hog',334,0,0,0,3264,'0xcc0','GFP_KERNEL','','memcg','CONSTRAINT_MEMCG','(null)','pool','0','/pool','/pool',0,2,40960,40960,4114,NULL,NULL,16132,16384,NULL,NULL,NULL,NULL,4096,'victim',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,334,0,'hog',NULL,0,0,NULL,0,'killed',NULL,1,1,1,0,0,0,5,NULL,6,NULL,35,NULL,NULL,NULL,98,103,NULL,104,NULL,'log ballot','recorded',0);
INSERT INTO event VALUES(4,3,'d719f35b1942e6524c4e25627e300995','text','tests/cases/5.10-dead-leader/log',2,56,NULL,NULL,NULL,'5.10.0-46-cloud-amd64','header',111958277,NULL,NULL,'live-thread',1273,NULL,0,0,1052106,'0x100dca','GFP_HIGHUSER_MOVABLE|__GFP_ZERO','','global','CONSTRAINT_NONE','(null)','/','0',NULL,'/',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4096,'free_lists',65406,10406,NULL,0,NULL,0,0,NULL,NULL,NULL,1270,0,'dead-leader',NULL,0,0,NULL,0,'killed',NULL,1,1,1,1,0,0,2,NULL,3,NULL,NULL,26,46,47,50,55,NULL,56,NULL,NULL,NULL,NULL);
INSERT INTO event VALUES(5,3,'d43788b88b623b5628e160f298e8fa88','text','tests/cases/6.1-numa/log',2,79,NULL,NULL,NULL,'6.1.0-56-cloud-amd64','header',54595129,NULL,NULL,'exe',380,NULL,0,0,4197824,'0x400dc0','GFP_KERNEL_ACCOUNT|__GFP_ZERO','G        W','global','CONSTRAINT_NONE','(null)','/','0-1',NULL,'/',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4096,'free_lists',65406,12064,NULL,0,NULL,0,0,NULL,NULL,NULL,297,0,'hog',NULL,0,0,NULL,0,'killed',NULL,1,1,1,1,0,0,2,NULL,3,NULL,NULL,39,66,67,70,78,NULL,79,NULL,NULL,NULL,NULL);
CREATE TABLE why_not (
	code INTEGER PRIMARY KEY,
	name TEXT NOT NULL
);
INSERT INTO why_not VALUES(1,'oom_score_adj_min');
INSERT INTO why_not VALUES(2,'already_victim');
INSERT INTO why_not VALUES(3,'global_init');
INSERT INTO why_not VALUES(4,'adj_unknown');
INSERT INTO why_not VALUES(5,'damaged_row');
INSERT INTO why_not VALUES(6,'other_nodes');
INSERT INTO why_not VALUES(7,'no_mm');
INSERT INTO why_not VALUES(8,'mm_skipped');
INSERT INTO why_not VALUES(9,'vfork_child');
INSERT INTO why_not VALUES(10,'refused');
INSERT INTO why_not VALUES(11,'not_scanned');
CREATE TABLE victim (
	k INTEGER PRIMARY KEY,
	pid INTEGER, uid INTEGER, role TEXT,
	total_vm_kb INTEGER, anon_rss_kb INTEGER, file_rss_kb INTEGER, shmem_rss_kb INTEGER, pgtables_kb INTEGER,
	oom_score_adj INTEGER, killed_us INTEGER, reap TEXT, reap_us INTEGER,
	reap_anon_rss_kb INTEGER, reap_file_rss_kb INTEGER, reap_shmem_rss_kb INTEGER,
	line INTEGER, reap_line INTEGER, comm TEXT
);
INSERT INTO victim VALUES(1048576,2302,NULL,'chosen',380488,327332,0,NULL,NULL,NULL,NULL,'unseen',NULL,NULL,NULL,NULL,14,NULL,'httpd');
INSERT INTO victim VALUES(2097152,901,NULL,'chosen',3684000,800448,0,NULL,NULL,NULL,7711000014,'unseen',NULL,NULL,NULL,NULL,28,NULL,'java');
INSERT INTO victim VALUES(3145728,334,0,'chosen',41460,40320,0,700,120,0,14361818,'unseen',NULL,NULL,NULL,NULL,104,NULL,'hog');
INSERT INTO victim VALUES(4194304,1273,0,'chosen',184952,175612,4,700,388,0,111959457,'unseen',NULL,NULL,NULL,NULL,56,NULL,'live-thread');
INSERT INTO victim VALUES(5242880,297,0,'chosen',117364,116096,4,700,264,0,54637375,'unseen',NULL,NULL,NULL,NULL,79,NULL,'hog');
CREATE TABLE prior (
	k INTEGER PRIMARY KEY,
	pid INTEGER, killed_us INTEGER, reap TEXT, line INTEGER, comm TEXT
);
CREATE TABLE note (
	k INTEGER PRIMARY KEY,
	line INTEGER, kind TEXT, text TEXT
);
INSERT INTO note VALUES(3145728,7,'damaged_line','as it was');
CREATE TABLE evidence (
	event_id INTEGER PRIMARY KEY,
	raw BLOB,
	memory TEXT
);
INSERT INTO evidence VALUES(1,X'0128b52ffd60cb01ed0d00069e5b26e0725807221bd151b433e709682e41e402804d881815c386d85a290fc47abed96380221c7302550052004b008fb4e9b6bcf691285d7b206daa70ac96ebc271e936a5b372aab5975dd98c352faf9c3b2ed1b66e577792da434d724e7adae19fb115160d8b689803027b38600f070ca26104050d1b685840c3181a6690c02a0013085114b9c9ab540f6a889ee63ed1986d46a56a9ffe2b7ee077df08c95e2c09a736854bf823a140c944f22e3b5b33e6675b51aba51e710dbe4b725eb449f687a5345a70ed7a862937c65c545f4b610f192dd5da3072d0ffbfe71ae5d1d3e093999698b7d69cf3df39fff3b84314e839f7fc6f1bce3def1aad632eea18dfd78c85c66cf3e5e4c8bf9c98ff1b97f3ba86eccc6ddcd7b90944e18071dc1cf17a95aa49185fa7e9bc3c52a91e84d08312c6d7b1ac151fa95451f4b4084a35e3c8a6744e483a3ba837352ff35211ffda430efe0b0a7f0dbe63dc94bdd7299d139742aead5d7fb1cf188ba8e1bde6fec31f005a4b006d5507b087a586f60372c0311064087e376b188441082710002ec0acc4b6d10878e1cce4671296465ec43cbdb83505ab0bbc864c71f71d33bba219d03a268fe650d685ce5cc50e','[[1,4,0,0,1048572,261888,7611]]');
INSERT INTO evidence VALUES(2,X'0128b52ffd604f0225100026236a26e0923a0712a26780cac2928db07b6023b3bbef9f37b0b92baa7eb2815713cd84f4382ac88759620062005b0098292d6dab752db4d64378627bda7a88b4988211f4e0097625b56c978d57b6b3ecc21e5aeb6763b5d3aecb4e621e1f333323bc374dcf7895b5661b3b9c593dc5157c55841ffd5d9db0701a878ad3c883a6e23404034e13e0340f4e73a7b100050201db231143093e4e99e42ac6a344c1f8937f931df7ddb6e13152d58b06f1d096788c329c96d1a83cd1f40c6e5db6b5de78a8e83d8c1021449fcd6997e4ced5898ad2baf0c792570c1015e757958a85478827b33b6a9649cba54d9f30e1fa66360bf224ccef91209ede3441d2e309f2f432a9d94cc53c9336773fee990ffd41f8a84f12459da34402fd198ffc9a4aed97d3fa4edadc66b1daefb5a79d25935ce53eaf0dee9f57e67ffcbcb6673c4a6677b66fdb07a7e9919250b8f8ed0d19148cab7bedd3d9753984825151c44c55f7da47ab9a3c8482317344495045bb67768c667671586febba5cd692f7b69ea2a6df919dc41cdcdb56b5dbb3ec8a78f5612b6dfa4b3d97a1788464273112471e338492ff7f7c2c8193e3de7327209002a2a3d301ab22003e8ad34c46956e6bb4fdc1750fdbe688ec142a01bd72d5ba29947163301aea627710ad450a8b307263384c261dfd06208209e85a1592e4a518a341c05ba4269a6d4107381e3f8abd94510df1c54b','[[1,4,0,0,0,262045,7721]]');
INSERT INTO evidence VALUES(3,X'0128b52ffd60140e1540008a81141843f0aa26ce01ccc033f00cdc586413411b482db145c57a2ddf16e7039fcdac26b923fb0004bba6fb68d4cce801fbeeefee2dac904611694219df9a569e2c8243774538449f0158015801928665a8bf4ae900880f0e2436fc1542687227bb91f875d98d57194dd851025b32fb3083ca881a28d400ff218147876358d02882c730e1e131e21737e1a1e7b4327c63c4a9cd5299e53e5e2244c7049f5ccc66bf9b0da1360bc1ab03c10c063023b356e572fc10c327a5309b4165f035654458b9d4c503a1860835d05397cb2ccb9dc3226ec1974f300c6f7c4af90987c788f7271c1e250e3f293162e3d5a14f6b584059e96e78ca1286f1315a63bbd4868f61114187084a07086984870f197a9abad6c0648b495a65f964bbd7656132308c4f5d0c06c9ac5bf0e5153eb4a9d430e17f0a1c6840f11c64d0bcab7919c5c3cdcbcdb39040c180c8935011790444a8a0983021f226342f42e44168de00913721f20e90d03c042a44de85e65988bc0a916701018a4721f208681e84c88b1079149a7740e455344f80c81ba0791515910721f222cd7b10794df322915740f30a88bc084df322503c05224f52bca7790f3a22cf43f33c34af9be76083e64d681e068a77a1790b342f010ccd632080a74085e635d0bc0bcd4ba07915289e85e63da07815cdab340f43f12a0080820a5055554f77f7a4123f28af3de5f48a733a3d3e8fa84752463a0f611fc23b50f58677f7037b7ac7e997beea537ad8b7d325f4a96fefe104df7d381d42fd294f4187e6edf4083a34bb3fb914de788df2ce08f6ec7a2265f727233c28af12b6ec5a42a38465fbd76ed811ec5a429fa9bb7f7da0b6b46bc9d471a3282b6d3767e2d354ec5ad210fc2ba46dabae259456babee0ae8cad240c93ee4565f6326743b06b4905767da1594ce26eae2a2c5d4e93a43fd0d4d3b5a44245ab493983b11319ceac84a9bf766caa6b499c5d5f4852c37668d79258995d5f5826ec62d2b56cf632492736eeaf50d413762db1114a5a066f9649c22ef65708450f0461d712f8747df144f481669c934a37b32eac6176e3a44aabfcd5713a3a5d4b1e27767d7162c3d8c5a40a4b5c06ff55ceeed8b5c4565d5fe47c27bc69d2755998d7299b825d4be4ecfa62bb94bd1718a386ba964cdaf5c505724998c97239e7a6bb5914a5d9908c912e87b14b59b45738fb97c2d9132597ef06c9d89c75fa6e1277b325b3301b0e796d481d1a4fa384b20c6c6746086296bda6bb49157be5c902b959e65546d0ec9e149a14be36d4dd10d44efc05b1b8c966d6ab039fbe76e1a448fbd4bd4c76d26c48ae5cceda42a6d33fc16d1615f5a9ab6916939c3e76b14b7eedd99ff075590ce495f63113ceaf50f633dab45dedf5e99b5f6584203a217cbe57c572d762b557a80f4131c25f37db2ee675f6ecdfcbaa5e69d43de7e3c0f90c67f6357ae4e4c258937cc3d53367b9fc87788d7a4292c22821859a0dc9af31c609e13c974d97652bcec2aceb181d304da39ebf169b339fbcca48b2c1819457953921e555d4143425a4748494d3191b42ca63ecd990f2da4fd4945750530eefed4079753c38288f0fca9feee6a0bc36edeea7371a76a0bcbb1f29238d66f598e04079a54eecd8dddd9f7c7ce01081878eb79dd174693de980e908273de1f028d1cfbdac2aca9e939cb78c0c6776c239c140322c2cf892e1d4bd2e0b4485cf653004a1d6a0ac0cc6945283b2340c0bbe6860b2e53034308c315a83ba2119bb18c685b1a6c1dd9cd1260c8bebca64192e85338c0f1b213a424824447870a090f81021c18606975976e37286a74975a4055fde3fd44e6c4865c329a784f15e94f5fea16e49a5e3501ac1074e29a31845a89fed6ad7bdbc3b46d11f1d18cdff771ed88ff24fc7cb28c2ae2de51f4199cb6ebedc898a942ddaa59cb79cb79cb7e7bc1d03912ecb61ee9465e17ecacafcaf3f65693f05aff19958e4cc7abe99cb823cc36fc6644b82cbac4bd37ebe9ca5b48c7439ce6e160b93b2c532d92b74aecb56529c376bf6baf00449da857b9592cb602d24e3ed5e20659616927fef569db8c05e97827d8b765d5675378bf62a9bb60516b368af5184e0848fe8652f073d52f68ccf652f27a9943d9fd9295bb49cef346532de348bf63afbd4b558ed5a32174c3b1d80eea8d1a0330e11646644444464a4493a60029143559b071120500c9922922449211d79ba595006f5c51c271925faaa0db053f74c3f052a9a2f7c53be0f8b31931069ce92116e6527a8461f5ea64ca30c1184041232447d7983ae460785723400f88dbff527a035b744aed29265d94bf3c624449907f82a2abc01e0f679d69e3c9508b758caab76f1d99effb60a65f55af66de68406413e9273147e111416799dd5f61d89db98dfc77fcba5e1db126656712576c1fb6d21ca533306f3d93e8537783b9d0730ad1e17b0b915938568376cb53f59ce9b864d05b775730b6838eb0d813b7cbac6caf2d87f87cfe027065ee32aa683345e040e62eab22608df7c9063fba5825c87fbcd2d44a3d69ca461954198ef8929ae72a8999ebe77ef8db5030500eec719b6af02d968a27c3dc48ed487b67e40bfa9ded869578cec73133c260cf8c1785b1cd43eb9e538c8df06267538f0ac21c4e993b88d82502244aa5aba75b4243a20e7def656666b878e648fb9ee2219502c242ed9b705d9c5d32e24a93dafa508ce44b59874b473b3cdd1a792b9497404d1d5a1d096b2757855eedf8567cb395722c52929464e3187236e34402711888ea1d2e9ed9f303bb27eca4527470b58941807e9ac7d4aa1dafcce2338c5859511544b341fd3ee4f21ceb2a8f150a401e9d9593861cd14b1f039530828e7b1288f935bd9541a','[[2,33,"/pool",41574400,0,122880,0,114688,0,0,0,0,0,0,0,0,0,0,0,0,25088000,16486400,0,0,0,1824,832,2656,0,0,0,0,0,0,0,0,0,0,0,4033,4033,0,4033,0,0,4033,0,14182,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]]');
INSERT INTO evidence VALUES(4,X'0128b52ffd60300f5541008a81481842f04e68d401ccc0abc4db45760c3366f045064f08d5a716cc48cbfeff5df2e674beea38900e16c22055b7625999d6b8bbed16f91942e78d78e9b77345315ab4beb113980157016d011276f3300a10bc98f765ae6dcbb45b52ba2c372cc1e68625be6bebc570f4481b9654e8862534ac86e095e134f6b72634a98bd54fc3b7ad5adcea68364b49b364f27bc24e480ada147d0f0e8dea11083a4dfdc8061a1a1d97f806193c67f6708b8edbafdaae861effd8c0c0e0d4e56af7fbd510fb550cb7a69e90547635abdc8b37049fd47275c26abc0d9ba0738229b829a0db1b76590d1f7a19288ef32cfe44b24f5d6874bc4f7d7458dc62e8e1c907b65ef7f330f0e23cef119e7cd77ede23101c148c0eae8e8c0bd71502c6055545061c1b1705c3e303c3050d0c5747c685878a59e6def044032b77652c9753dfddb64c9be03ceff66a1e4897ddd6fb61c2890b926db7a2484ad044d1ddbf07154a7088154470a287133770a2060e5103274258880938b1010bd100271ee044032cc40a9ca880131b70e28713397088154810205618c1890e38c4884234c189f10487e8004501f18102a28480383971000c0b31c389194ebce010d98915527022021038f10e3102273ee0c43bf1c18990436cc08911389101272ee0100b7062b5102f87180200014401f6996664b15822d994d329b99b72297972536e4513536e9198724b9b72c4d1442f8de8139deaa828b7f8d1b8881e0d0fca2d335f506e49c9cc972db899b9a29c99ab9ce60615945b5047922533339ff2b850714106c6d976ad6016dbd21231335315e941b9c5d383bd029d6297d127fbe979249defe6777f020b4b70668e9ab1b3c47ee92d7c4adffc8afd918ef1eb7d637de637f696f8f3b9952ecd57ec937469329fbad6b3b8d5d29d53f3dc30f53ccca73a3428b726c47d2b92fc6c58225d1c584fc16f45cdb4372c91a2cdfd2d88295368c312a9e5676dbdbe0b6a2ecffed62471adf48625b6de0d4b849ba65a2e8ebbee66bb8af9ad887224372c6169c3129503f9ad86b89f0d4bae951b96d0c0ca5deb75d0c393ddb0842dd886259822e37d9910ec3c8c0213d64c88b78117782f357361deb6d5ebfaada721be73c3125be90d4b6cf83cee7297c5bb428df75b74e2deb0a4b2e13382597247b46c08921172d2083ec4c6c743843cc4c743847ca549117c888f8757da8ce853151b1752f224d1873e3c593e149a329ad1044d094d6eda549741b429f93c9224f5f994e5c1c55d2ec4db6e51a8d2b68a71a5d9ab61dec6bdd2249ea0a6ecbdd4ae72af34394d50536177c1fb652e5d66bb9b9111953d2d600acb382fac984b86b9ec05f92e78bf579a34a5a430970cf34aa32d2515e26dafb429b5a4ba8c9b2455b171d10f78379c826d6389da6ef75d2dc38557e775d572193e95c184d79c32aab44aab34494e79b7cc02d1795d7da8b4571acb19495d69149aa05feb65b835b5c454e5302a51192c73ddfb590ecd6eeadecfc2d4c53a8d5739cba6c07ba999774b4d7197c3808f9852f66632956329ea3487786a2eab1b76bfab523790290dab951b665fc899da107e99add410cb406ea761ea6e9985ed0debe681d92148a2b3cb3e49b3a9ceebea7541b210abb7e44479964e6382bb1bb72665a8299fb3297f9a726bce0a76034c559a243d1453171a1f8f541a7314a9b479b7ccd2148a9a02c16fa2f3bafac8949ae24026201efe44b27f7bb72db3e0d42dde430dc7ad089a3cb19926c291ec89cd32916dc2d66b2792c905e32e7769600d239ce75d5bad78db25c2137b4340ee7211c924bca026834520b64dd33d4c22181938325c1a32685450347864e0b098845d563fca629ab9770335119524433f44a19f1f899f68f2653fd1f4fc9f229ed223e9e4e889e8f35ddbd510dc5039f39c4dff7f3e9194245b1395fd474a30ec2e78c30d95eb9239087ee7402e9b5dc2df669affd66fb3ccefc12d2951109aad82fce117d4c0aae116b5dcb73adab0751c77ab54106f43c2dd0dcc25c340372a289427446f35d5704b4295c69ffcde2fe3563425c45232c929eadb2eb3dcf06ed73ef24413cf5b5b4f81610dc17bdc92f3991a02becbceb7e6035e0c56b15b2dbbd2680449937b7241c8329f06bcf7b34cb61a7ae1bd6830dc8d210f4169cb67364f95467b929fbcd2e8c40180f2a8f198530e2123242222224992a4035002310c91d51c1280e09a9625a93944139614a4507f96032b881b1a9874b302b9b55970dc1b67ff9c81f872bb4ac807f459d6e804d1ffcd949e20738c64b6013901d24275830d46ef86598395f9eaea265d4985e3180a618102650c9825c38debf5592a5e078425206a37ef988538b39897de39802dde0a012ef23f9eebba67344d594c06616b459d51c4d5d03e89053b54a0d485864e6057c86f5d54e199bbc0386f72b0aa587b8b400ad22a5352d4d9fa0b6562aa0cf202648b574d8de47e3b236fb479e585e4984d290ca58fd5f1138b63a436bb822da9f8fc2fb87ddb8bc9c6276c821b4d52b4b89db471356377627ff69d08fbfdb4eb2f87f172d6cd6797d38ef5b84263fbddf1f68c024283f9bc712c7ca599085e2bbb72ead3af6e6979fd81f3ae6452c90f6a0aa386a41456f8dba4bed7ba31d93d756c505999714028f73026a53885b11b3ff3ac5846b8843a08c1d2e88859679bd21d3829bfaa0b54b2e4797907542bb7e2287be132558dc3eb47236cdc8e3221b88ef95dd3ca48be8f99c3d37a40ed3292183feb14314d536254c3958e320d22cee653aacab33cefb3dad955b0694991e3cda1212f06f25cce790195203bd834b9b965954a56486a64c72f8966b7945f1810805bba06dfa8c767f59333595d63c8299f95835c7ba4133824d4b62f936b579d11eb8fa58fae31daa36e0c51d8c52a07aacb4c1c7a3f32a9','[[3,25,0,1489,46855,0,0,0,0,0,0,0,1905,1780,607,1811,120,0,1145,86,0],[4,6,0,5956,187420,0,0,0,0,0,2428,0,0,7244,0,0,0,0,800,[null,"yes"]],[5,1,0,2928,2184,2216,2248,0,4,12672,0,0,0,0,15992,15908,0,44,0,0,0,0,0,188,188,188,188],[6,2,0,1652,1684,2104,2524,0,5952,174744,0,0,0,0,245632,204092,0,436,0,344,68,0,0,0,0,0,0],[7,2,0,[1,"U"],0,[2,"U"],[2,"UM"],0,[2,"UM"],[2,"UM"],[2,"UM"],[1,"U"],0,0],[8,1,0,[1,"M"],[2,"U"],[2,"UM"],[6,"U"],[2,"U"],[2,"UE"],[2,"UM"],[1,"M"],0,0,0],[9,1,0,0,0,0],[10,1,0,0,0,0],[11,1,0,1811,0,40973,40973,17929,20524,0,0,65406,0,10406]]');
INSERT INTO evidence VALUES(5,X'0128b52ffd604915e55000fa966c1c42f050b46dcc90678836441bf25ca20daa0dd9c54a0ceb34b4d41093d9eff672673821820740da8c6c230654f98e5a6865776f5e11a693822823ea876b4cad4a5e71e4e101a3019f0197db6c77e9990fbba75cba9f646b4f14dba6a7ad65d7b2a8caa52a2f31764f9966f7134d67ac3533ca89764f99b3fb891562dd6ac2dc76b36b93dd256b2fe8e061f16181bb5469a427ac7db865e10b976c9cf023053e65bec3893c11292aa480eec191517109498520e8121d646474f8c43bd8f07352107ed1e159c319c39c878368606ce091be30e65ac32259c319b8f4c018272204292045750c5317adc11d4ee0b3e60b4fe4cdb6a6894a279e025254e7c0397894358751f8c375a73dbaae7de16fa5471a323afc3d02e9b870c942f081f52b42c8f86a6d4fdbbdf67689afd074d6b64b48382c181fdc8e0d1cee1de1630384e3e2c2e26a80b161c1e8703b367080f829ffcfee2baa0d5f37c3643cd2b46551d5c4b5b7675ded108c72dd6997a008294429267577102e9cf0f02e90b081f33a9c67719ec7c30321e07d30c08b709e02189e3bef000c2f01e72180e12d80e141e03c10e77180e18138cf83877701858777a104e75d30e16185a782f3240fefa5e0bcd782f31e0bce8b80810caf820c8f22c3a320c3a318f020e719f0f00ac0c0b0c1791d9cf710f014787814ce93705e05ce93c0790e38cf1f787812382f02e745f0f026709ec4790d380f02faf01c70dec47910388f02e739f0f01e701e06e76570def4f028019e0640001b01d64e5f2d86158be38c71c9ce8becc0c27239645838bc7efcff7f8f3c385868b001c32d464b6965cc18ccf3ff1f5da287c5250b2972740efba6b9918bebbca76cfbb6e969c2be39d7d60563201ee9bc2f5ca2fff6a116d6d97d24e5bf471d191697267c6cd617d630229aab690e83efac57030d2c2e3c3cf0b8231a876977a9423fa3d670a6b5eceabc2fee7254a7a7fd4abba7fc056a39e3abe96d7377760c2eb9fb09676d30e65ed7d556c6b0c63170972c7da87b4aa6dd4f66bd9685a76d64bb3b47d9fd641bd9eeacdd233f6388b58da2c0f675ede972786777a9c6a7b57b4ab4b1fb890e9974a7efa54958df3eb07bcab41263d4e5622c7d33de96bb04d9cf36661b4e6feed23f3fc1ee2952773fd9321abe1c86d26cf4698ed0ba60eeea907db94b0ff453f79487f226bb221abbee527d9ec2ee2953ec7e9267f6f461f793acb7a645b89cceb84b70be94dd53e8cbee2736fea3bba7609edafde429b2ad65dc86ed8942c3e14c645bdbdd74066777da9685ef7597e44f3aa17f5dbb9f3cb4ca3ae39cf56a8cb27676618dbb98ece22e41f5a7d93d256360f793116d5ffaba981d105ea96644f428fe8cf6a1a5167af9f1e5571b9f1861d4f511d2fa4cfb93cef931c23aa18c6f278c6f2d14450945e8a1bf471208f7d297c8b65ca22f2b9585a76d55aa695b57951446596730862f88c288c3f4a6b52c835119d3d99cb0c34713756d0e6b3294e6661da2e94d6b31d264288d572a5b6124b22daf5455c208a32e6edbfbe2956a561a596868f07fac8d509cf1b1b3521a7f461a659df09f4d8f38069685bd5279a58a50ac54f579a2ece22eb6319cafec3dca34dc9d95aa5255aa97601bc31095ea2bd55b5b21ac54d675de1b2e41fa11be26f833caa6ec6aad611c9250a4b586f969a3ae6b694cd3d5477ac236fbe2afb79730da7406671ea185d1a52fcde6114e18659d65f882a085d8c62994f1a2b03569ed5eb0b57d544df8a2394a13f18f46388dca4e638d262a44639b485b14e6b3e6b0b537ca3fca3831cabf4218611bc3578750dc845d9231da182c63e2d21a2ecd87140bfe29b4f8332794d0e2127dec9cb05a0c23b478fd08a1c57f929a5a0c3d7a6871097a2db1a6d05bfcdfbec59f4bc5e292acf18913a6ff1a2cfe35c34383c5254aff2f2c1e1fc5e8230d19202ea12d0ae31295aa42dba64d601bc32e51a966950f84d1153221c96c0d84676d5954078f1cb39ddb70b8441ff91599da483c50acc8542691d99a0a4a4566baf475ab0d7312d7ded7c2976d6524e0c457642db25dfa92a054707adb649384c4b2361884ce1b93c0d8e0d8b81f1b1916960f8f0d8e8b0a0ea3b01649f2d19db63646081dbabf7d0b518ec228fff8543bdd9d56ea8f841e4967666bfce53fd1ddff239c128a0ff440505e3e42d0ca19a99594d20af1449661fff9d242eeee0fb4d0849e6963747fc86dcbc217ff7f3831a3a4555a5ae14b3242f787feb37198ceb0c87633996f9b7685dc4c6538f74c6ddc5d72cf54e60e824b5fa12a23c9c6c2210ee19ac3dce65bb5e10f97decefa11ba54472c8c435b171cb2352897d6d064a80ce2a36161a93f6975c97eb8246ba57aaf70adb50d2e419e6191cd31cadf25ba69cd8427979e423aa1ac54f5a1763eacd0225099b6d9b4d6301516e636777566a3f19fb14a4020303440a44b303434a44b4024f48852f8b3429748e81154a9be52aff819f1333e8c78af5411d288778906448411d025201011b1c288e8120d08af543602ba440324815ca81195634aa111111119912449d201b1040641e7a066db12a0609a22051562466402111109241091a2a4a0a0506c0125d82d852b9c8902be6c50934244c0ca3a43d3319af5cbc68046fb586efac3de771ff55e21aa6633ea5a152a02b18720133804bae99da06a580e399225cf379ba6defd24694a3d70694080a112729b30343ad963644108918ca9779c670041a00548c015d944a8fe7c177b45b4292ab59526c95504b24581dbc2b8a8167ad4eb2d5450652961b7281b183d6d5976e2f784895d40ed02fab269c054c0d010dc0d9d753ca5280fe3dbdc0795f8af33d01fae7bc8785a265e584b172872fcb6ac01ed42c03c96d002645ccbc8f5e4cb11e36e6e9724bc103a439c9461d061bc246d400e70ec2150ced318e9a33fa871a442a06c021d0dc01d12e61adc7444fbc9588cc7ff1c966be384caad5a732da2d0933ed9be911204f7a5e051e14e68fb17bb64bcc2b93e0beee7af4e4bc40e5682567c96fb22c854ab66e223112dd8cb5daa3573fa4fed021c680cf544698eb59164e562a53ee33671e56e655af8d2ac42395cbfd7a9549ed3e8c694b920bd54584f901b95a1a4fe1314eef0c1ad80df00cc904f5d3cec016f699f8f229f0c8320eb9591199a2b6d37baf6e6dd862f41007457d6abc831d0e751617482b4e0d6124c1e42161bb15acba7ac2094054c719b1a935e4eb03e8954232e2997855b9a2e34e2a21d1d7ef32102ba9113e3474648cd9772aff5c69451f13c25120443c26414e0d9f4c0f548b1724c245c80321432094810a9104846a028ba3e2a9e3753928f8a7c0fa667b8fa8981ace5d86398421d609c1ae58c6adca428f90f1b8c4b2386c3a577e506fcc5d30db82b448afc388d41cfe01a1245190887a504c66d91b55d7e2ed9412140e652e950a3d4537b0c9ca8bed3973abb404338f297337ba63339060f987fc909da84a8fdc024a64444a70fc8777eea4f5b1102a1cbbc64109d7b21843cad4f422421e4ecad6f882ef6d7d6c9acf349796299f69600358dd71bc1d020b0bcd5d4ea209156411e2a02f3fe3d13f2ed40cf7770b49f6969','[[12,38,0,1160,42320,0,0,0,0,625,0,0,2315,1819,1412,1812,130,0,0,0,939,401,0],[13,8,0,8,116880,0,0,0,0,0,0,0,0,4,0,0,0,0,776,292,0,[null,"yes"]],[14,1,0,4632,52400,0,0,2500,0,0,5648,0,0,7244,0,0,0,0,296,228,0,[null,"yes"]],[15,1,0,564,0,136,168,200,0,0,14492,0,0,0,0,15992,15360,0,0,80,80,0,0,109,109,109,109],[16,2,0,988,0,1000,1248,1496,0,8,102348,0,0,0,0,114688,112204,0,0,456,408,0,0,0,0,0,0],[17,2,0,2204,2048,2700,2860,3020,0,4632,52400,0,0,2500,0,130944,85804,2500,0,1068,408,0,0,0,0,0,0],[7,2,0,[2,"UM"],[1,"M"],[2,"UM"],[2,"UM"],[1,"U"],[1,"U"],[1,"M"],0,0,0,0],[8,1,0,[1,"M"],[1,"U"],[3,"U"],[1,"M"],[2,"UM"],0,[1,"M"],[1,"M"],0,0,0],[18,1,0,[13,"U"],[3,"UM"],[3,"UME"],[3,"UME"],[1,"U"],[1,"U"],[1,"U"],[1,"U"],[1,"U"],0,0],[9,1,0,0,0,0],[10,1,0,0,0,0],[19,1,0,0,0,0],[20,1,0,0,0,0],[21,1,0,1812,0,0,0,65406,0,12064]]');
CREATE TABLE shape (
	shape_id INTEGER PRIMARY KEY,
	shape TEXT NOT NULL UNIQUE
);
INSERT INTO shape VALUES(1,'{"area":"global","node":null,"facts":[["swap_free","kB",0],["swap_total","kB",1],["ram","pages",2],["reserved","pages",3]]}');
INSERT INTO shape VALUES(2,'{"area":"memcg","node":null,"facts":[["anon","bytes",0],["file","bytes",1],["kernel","bytes",2],["kernel_stack","bytes",3],["pagetables","bytes",4],["sec_pagetables","bytes",5],["percpu","bytes",6],["sock","bytes",7],["vmalloc","bytes",8],["shmem","bytes",9],["file_mapped","bytes",10],["file_dirty","bytes",11],["file_writeback","bytes",12],["swapcached","bytes",13],["anon_thp","bytes",14],["file_thp","bytes",15],["shmem_thp","bytes",16],["inactive_anon","bytes",17],["active_anon","bytes",18],["inactive_file","bytes",19],["active_file","bytes",20],["unevictable","bytes",21],["slab_reclaimable","bytes",22],["slab_unreclaimable","bytes",23],["slab","bytes",24],["workingset_refault_anon","",25],["workingset_refault_file","",26],["workingset_activate_anon","",27],["workingset_activate_file","",28],["workingset_restore_anon","",29],["workingset_restore_file","",30],["workingset_nodereclaim","",31],["pgdemote_kswapd","",32],["pgdemote_direct","",33],["pgdemote_khugepaged","",34],["pgpromote_success","",35],["pgscan","",36],["pgsteal","",37],["pgscan_kswapd","",38],["pgscan_direct","",39],["pgscan_khugepaged","",40],["pgsteal_kswapd","",41],["pgsteal_direct","",42],["pgsteal_khugepaged","",43],["pgfault","",44],["pgmajfault","",45],["pgrefill","",46],["pgactivate","",47],["pgdeactivate","",48],["pglazyfree","",49],["pglazyfreed","",50],["swpin_zero","",51],["swpout_zero","",52],["thp_fault_alloc","",53],["thp_collapse_alloc","",54],["thp_swpout","",55],["thp_swpout_fallback","",56],["numa_pages_migrated","",57],["numa_pte_updates","",58],["numa_hint_faults","",59]]}');
INSERT INTO shape VALUES(3,'{"area":"global","node":null,"facts":[["active_anon","pages",0],["inactive_anon","pages",0],["isolated_anon","pages",0],["active_file","pages",1],["inactive_file","pages",1],["isolated_file","pages",1],["unevictable","pages",2],["dirty","pages",2],["writeback","pages",2],["slab_reclaimable","pages",3],["slab_unreclaimable","pages",3],["mapped","pages",4],["shmem","pages",4],["pagetables","pages",4],["bounce","pages",4],["free","pages",5],["free_pcp","pages",5],["free_cma","pages",5]]}');
INSERT INTO shape VALUES(4,'{"area":"node","node":0,"facts":[["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["isolated(anon)","kB",0],["isolated(file)","kB",0],["mapped","kB",0],["dirty","kB",0],["writeback","kB",0],["shmem","kB",0],["shmem_thp","kB",0],["shmem_pmdmapped","kB",0],["anon_thp","kB",0],["writeback_tmp","kB",0],["kernel_stack","kB",0],["all_unreclaimable","",0]]}');
INSERT INTO shape VALUES(5,'{"area":"zone","node":0,"zone":"DMA","facts":[["free","kB",0],["min","kB",0],["low","kB",0],["high","kB",0],["reserved_highatomic","kB",0],["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["writepending","kB",0],["present","kB",0],["managed","kB",0],["mlocked","kB",0],["pagetables","kB",0],["bounce","kB",0],["free_pcp","kB",0],["local_pcp","kB",0],["free_cma","kB",0],["lowmem_reserve[0]","pages",1],["lowmem_reserve[1]","pages",1],["lowmem_reserve[2]","pages",1],["lowmem_reserve[3]","pages",1],["lowmem_reserve[4]","pages",1]]}');
INSERT INTO shape VALUES(6,'{"area":"zone","node":0,"zone":"DMA32","facts":[["free","kB",0],["min","kB",0],["low","kB",0],["high","kB",0],["reserved_highatomic","kB",0],["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["writepending","kB",0],["present","kB",0],["managed","kB",0],["mlocked","kB",0],["pagetables","kB",0],["bounce","kB",0],["free_pcp","kB",0],["local_pcp","kB",0],["free_cma","kB",0],["lowmem_reserve[0]","pages",1],["lowmem_reserve[1]","pages",1],["lowmem_reserve[2]","pages",1],["lowmem_reserve[3]","pages",1],["lowmem_reserve[4]","pages",1]]}');
INSERT INTO shape VALUES(7,'{"area":"freelist","node":0,"zone":"DMA","facts":[["4kB","",0],["8kB","",0],["16kB","",0],["32kB","",0],["64kB","",0],["128kB","",0],["256kB","",0],["512kB","",0],["1024kB","",0],["2048kB","",0],["4096kB","",0]]}');
INSERT INTO shape VALUES(8,'{"area":"freelist","node":0,"zone":"DMA32","facts":[["4kB","",0],["8kB","",0],["16kB","",0],["32kB","",0],["64kB","",0],["128kB","",0],["256kB","",0],["512kB","",0],["1024kB","",0],["2048kB","",0],["4096kB","",0]]}');
INSERT INTO shape VALUES(9,'{"area":"hugepages","node":0,"zone":"1048576kB","facts":[["hugepages_total","",0],["hugepages_free","",0],["hugepages_surp","",0]]}');
INSERT INTO shape VALUES(10,'{"area":"hugepages","node":0,"zone":"2048kB","facts":[["hugepages_total","",0],["hugepages_free","",0],["hugepages_surp","",0]]}');
INSERT INTO shape VALUES(11,'{"area":"global","node":null,"facts":[["page_cache","pages",0],["swap_cache","pages",1],["swap_cache_add","",2],["swap_cache_delete","",2],["swap_cache_found","",2],["swap_cache_sought","",2],["swap_free","kB",3],["swap_total","kB",4],["ram","pages",5],["highmem_movable","pages",6],["reserved","pages",7]]}');
INSERT INTO shape VALUES(12,'{"area":"global","node":null,"facts":[["active_anon","pages",0],["inactive_anon","pages",0],["isolated_anon","pages",0],["active_file","pages",1],["inactive_file","pages",1],["isolated_file","pages",1],["unevictable","pages",2],["dirty","pages",2],["writeback","pages",2],["slab_reclaimable","pages",3],["slab_unreclaimable","pages",3],["mapped","pages",4],["shmem","pages",4],["pagetables","pages",4],["sec_pagetables","pages",5],["bounce","pages",5],["kernel_misc_reclaimable","pages",6],["free","pages",7],["free_pcp","pages",7],["free_cma","pages",7]]}');
INSERT INTO shape VALUES(13,'{"area":"node","node":0,"facts":[["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["isolated(anon)","kB",0],["isolated(file)","kB",0],["mapped","kB",0],["dirty","kB",0],["writeback","kB",0],["shmem","kB",0],["shmem_thp","kB",0],["shmem_pmdmapped","kB",0],["anon_thp","kB",0],["writeback_tmp","kB",0],["kernel_stack","kB",0],["pagetables","kB",0],["sec_pagetables","kB",0],["all_unreclaimable","",0]]}');
INSERT INTO shape VALUES(14,'{"area":"node","node":1,"facts":[["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["isolated(anon)","kB",0],["isolated(file)","kB",0],["mapped","kB",0],["dirty","kB",0],["writeback","kB",0],["shmem","kB",0],["shmem_thp","kB",0],["shmem_pmdmapped","kB",0],["anon_thp","kB",0],["writeback_tmp","kB",0],["kernel_stack","kB",0],["pagetables","kB",0],["sec_pagetables","kB",0],["all_unreclaimable","",0]]}');
INSERT INTO shape VALUES(15,'{"area":"zone","node":0,"zone":"DMA","facts":[["free","kB",0],["boost","kB",0],["min","kB",0],["low","kB",0],["high","kB",0],["reserved_highatomic","kB",0],["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["writepending","kB",0],["present","kB",0],["managed","kB",0],["mlocked","kB",0],["bounce","kB",0],["free_pcp","kB",0],["local_pcp","kB",0],["free_cma","kB",0],["lowmem_reserve[0]","pages",1],["lowmem_reserve[1]","pages",1],["lowmem_reserve[2]","pages",1],["lowmem_reserve[3]","pages",1],["lowmem_reserve[4]","pages",1]]}');
INSERT INTO shape VALUES(16,'{"area":"zone","node":0,"zone":"DMA32","facts":[["free","kB",0],["boost","kB",0],["min","kB",0],["low","kB",0],["high","kB",0],["reserved_highatomic","kB",0],["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["writepending","kB",0],["present","kB",0],["managed","kB",0],["mlocked","kB",0],["bounce","kB",0],["free_pcp","kB",0],["local_pcp","kB",0],["free_cma","kB",0],["lowmem_reserve[0]","pages",1],["lowmem_reserve[1]","pages",1],["lowmem_reserve[2]","pages",1],["lowmem_reserve[3]","pages",1],["lowmem_reserve[4]","pages",1]]}');
INSERT INTO shape VALUES(17,'{"area":"zone","node":1,"zone":"DMA32","facts":[["free","kB",0],["boost","kB",0],["min","kB",0],["low","kB",0],["high","kB",0],["reserved_highatomic","kB",0],["active_anon","kB",0],["inactive_anon","kB",0],["active_file","kB",0],["inactive_file","kB",0],["unevictable","kB",0],["writepending","kB",0],["present","kB",0],["managed","kB",0],["mlocked","kB",0],["bounce","kB",0],["free_pcp","kB",0],["local_pcp","kB",0],["free_cma","kB",0],["lowmem_reserve[0]","pages",1],["lowmem_reserve[1]","pages",1],["lowmem_reserve[2]","pages",1],["lowmem_reserve[3]","pages",1],["lowmem_reserve[4]","pages",1]]}');
INSERT INTO shape VALUES(18,'{"area":"freelist","node":1,"zone":"DMA32","facts":[["4kB","",0],["8kB","",0],["16kB","",0],["32kB","",0],["64kB","",0],["128kB","",0],["256kB","",0],["512kB","",0],["1024kB","",0],["2048kB","",0],["4096kB","",0]]}');
INSERT INTO shape VALUES(19,'{"area":"hugepages","node":1,"zone":"1048576kB","facts":[["hugepages_total","",0],["hugepages_free","",0],["hugepages_surp","",0]]}');
INSERT INTO shape VALUES(20,'{"area":"hugepages","node":1,"zone":"2048kB","facts":[["hugepages_total","",0],["hugepages_free","",0],["hugepages_surp","",0]]}');
INSERT INTO shape VALUES(21,'{"area":"global","node":null,"facts":[["page_cache","pages",0],["swap_cache","pages",1],["swap_free","kB",2],["swap_total","kB",3],["ram","pages",4],["highmem_movable","pages",5],["reserved","pages",6]]}');
CREATE TABLE verdict (
	event_id INTEGER PRIMARY KEY,
	engine TEXT NOT NULL, -- version of oomlens
	verdict TEXT NOT NULL, reason TEXT NOT NULL, text TEXT, evidence_line INTEGER,
	profile TEXT, profile_how TEXT, unit TEXT, -- of points, margin and drift_bound: pages or per_mille
	totalpages_lo INTEGER, totalpages_hi INTEGER, totalpages_how TEXT,
	eligible INTEGER, winner INTEGER, runner_up INTEGER, actual INTEGER, -- the last three: positions in the task table
	margin INTEGER, drift_bound INTEGER
);
INSERT INTO verdict VALUES(1,'0.1.0','insufficient','hidden_term','httpd (pid 2302) was killed at score 317, which fits the table but is not proven by it: this kernel also counts swap and page tables that the table does not show, enough to put httpd (pid 2301) ahead.',9,'2.6.39','the kernel release in the stack header','per_mille',515149,517691,'pages RAM - reserved, within 0.5 % + total swap',2,NULL,1,2,NULL,2);
INSERT INTO verdict VALUES(2,'0.1.0','exact','highest_badness','java (pid 901) was killed because it had the highest badness of 2 tasks: 200,619 points (783.7 MiB), 199,808 (780.5 MiB) more than the next, systemd-journal (pid 399).',28,'3.14','the kernel release in the stack header','pages',254324,254324,'pages RAM - reserved + total swap',2,2,0,2,NULL,768);
INSERT INTO verdict VALUES(3,'0.1.0','exact','highest_badness','hog (pid 334) was killed because it had the highest badness of 3 tasks: 10,285 points (40.2 MiB), 6,274 (24.5 MiB) more than the next, helper (pid 330).',104,'5.9','the kernel release in the stack header','pages',10240,14336,'the memory limit of the cgroup, plus its swap unless swappiness is 0',3,2,0,2,NULL,1024);
INSERT INTO verdict VALUES(4,'0.1.0','exact','thread_of_chosen','live-thread (pid 1270) was killed because it had the highest badness of 3 tasks: 44,176 points (172.6 MiB), 41,427 (161.8 MiB) more than the next, bystander (pid 1269); the kernel''s lines name it by two of its threads, 1270 and 1273.',56,'5.9','the kernel release in the stack header','pages',55000,55000,'pages RAM - reserved + total swap',3,1,0,1,41427,768);
INSERT INTO verdict VALUES(5,'0.1.0','exact','highest_badness','hog (pid 297) was killed because it had the highest badness of 5 tasks: 29,266 points (114.3 MiB), 21,425 (83.7 MiB) more than the next, app-a (pid 284).',79,'5.9','the kernel release in the stack header','pages',53342,53342,'pages RAM - reserved + total swap',5,3,1,3,21425,768);
CREATE TABLE trace (
	trace_id INTEGER PRIMARY KEY,
	host_id INTEGER NOT NULL REFERENCES host (host_id),
	boot_id TEXT, monotonic_us INTEGER, name TEXT, pid INTEGER, comm TEXT, detail TEXT
, feed TEXT, seen_us INTEGER);
INSERT INTO trace VALUES(1,1,'b0a7',NULL,'old',NULL,NULL,NULL,'ballot',NULL);
CREATE TABLE task_recorded (
	k INTEGER PRIMARY KEY,
	cgroup TEXT, kernel_points INTEGER, kernel_flags INTEGER
);
INSERT INTO task_recorded VALUES(3145729,'/shop/back',4711,2);
INSERT INTO task_recorded VALUES(3145730,NULL,12,0);
CREATE TABLE task (
	k INTEGER PRIMARY KEY,
	pid INTEGER, tgid_off INTEGER, uid INTEGER, oom_score_adj INTEGER,
	rss_pages INTEGER, swap_pages INTEGER, pgtables_bytes INTEGER, nr_ptes INTEGER, nr_pmds INTEGER,
	total_vm_pages INTEGER, rss_anon_pages INTEGER, rss_file_pages INTEGER, rss_shmem_pages INTEGER,
	cpu INTEGER, oom_adj INTEGER, line_off INTEGER, comm TEXT,
	points INTEGER, points_lo INTEGER, points_hi INTEGER, -- lo and hi only where the table hides a term
	rank INTEGER,
	why_not INTEGER -- 0 = eligible, else a row of why_not
);
INSERT INTO task VALUES(1048576,411,0,0,-1000,144,NULL,NULL,NULL,NULL,2797,NULL,NULL,NULL,0,-17,0,'udevd',NULL,NULL,NULL,3,1);
INSERT INTO task VALUES(1048577,2301,0,48,0,71833,NULL,NULL,NULL,NULL,90122,NULL,NULL,NULL,1,0,0,'httpd',244,138,349,2,0);
INSERT INTO task VALUES(1048578,2302,0,48,0,81833,NULL,NULL,NULL,NULL,95122,NULL,NULL,NULL,1,0,0,'httpd',263,158,369,1,0);
INSERT INTO task VALUES(2097152,399,0,0,0,812,0,NULL,21,3,8867,NULL,NULL,NULL,NULL,NULL,0,'systemd-journal',811,811,836,2,0);
INSERT INTO task VALUES(2097153,702,0,0,-1000,170,0,NULL,36,3,16377,NULL,NULL,NULL,NULL,NULL,0,'sshd',NULL,NULL,NULL,3,1);
INSERT INTO task VALUES(2097154,901,0,1000,0,200112,0,NULL,501,6,921000,NULL,NULL,NULL,NULL,NULL,0,'java',200619,NULL,NULL,1,0);
INSERT INTO task VALUES(3145728,330,0,0,200,207,992,49152,NULL,NULL,1293,32,0,175,NULL,NULL,1,'helper',4011,3211,4011,2,0);
INSERT INTO task VALUES(3145729,329,0,0,0,271,3008,65536,NULL,NULL,3341,96,0,175,NULL,NULL,1,'idle',3295,NULL,NULL,3,0);
INSERT INTO task VALUES(3145730,334,0,0,0,10255,0,122880,NULL,NULL,10365,10080,0,175,NULL,NULL,1,'hog',10285,NULL,NULL,1,0);
INSERT INTO task VALUES(4194304,1269,0,0,0,2734,0,61440,NULL,NULL,2829,NULL,NULL,NULL,NULL,NULL,1,'bystander',2749,NULL,NULL,2,0);
INSERT INTO task VALUES(4194305,1273,-3,0,0,44079,0,397312,NULL,NULL,46238,NULL,NULL,NULL,NULL,NULL,1,'live-thread',44176,NULL,NULL,1,0);
INSERT INTO task VALUES(4194306,1308,0,0,0,50,0,28672,NULL,NULL,565,NULL,NULL,NULL,NULL,NULL,1,'usleep',57,NULL,NULL,3,0);
INSERT INTO task VALUES(5242880,123,0,0,-1000,1636,0,53248,NULL,NULL,1658,NULL,NULL,NULL,NULL,NULL,1,'ballot',NULL,NULL,NULL,6,1);
INSERT INTO task VALUES(5242881,284,0,0,0,7817,0,98304,NULL,NULL,7949,NULL,NULL,NULL,NULL,NULL,1,'app-a',7841,NULL,NULL,2,0);
INSERT INTO task VALUES(5242882,285,0,0,0,5243,0,81920,NULL,NULL,5389,NULL,NULL,NULL,NULL,NULL,1,'app-b',5263,NULL,NULL,3,0);
INSERT INTO task VALUES(5242883,297,0,0,0,29200,0,270336,NULL,NULL,29341,NULL,NULL,NULL,NULL,NULL,1,'hog',29266,NULL,NULL,1,0);
INSERT INTO task VALUES(5242884,379,0,0,0,47,0,28672,NULL,NULL,565,NULL,NULL,NULL,NULL,NULL,1,'init',54,NULL,NULL,4,0);
INSERT INTO task VALUES(5242885,380,0,0,0,1,0,12288,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,1,'exe',4,NULL,NULL,5,0);
CREATE TABLE life (
	k INTEGER PRIMARY KEY,
	pid INTEGER, tgid INTEGER, uid INTEGER, class TEXT, start_us INTEGER,
	selected_us INTEGER, killed_us INTEGER, marked_us INTEGER, queued_us INTEGER, woken_us INTEGER,
	reap_start_us INTEGER, reap_end_us INTEGER, reap_skips INTEGER, exit_begin_us INTEGER, exit_end_us INTEGER,
	freed_us INTEGER, freed_by TEXT, aborted_rounds INTEGER, next_selected_us INTEGER, comm TEXT, cgroup TEXT
);
INSERT INTO life VALUES(3145728,77,77,0,'logged',5,1000,NULL,1100,NULL,NULL,1500,3000,NULL,NULL,NULL,NULL,'reaper',NULL,NULL,'hog','/shop/back');
CREATE TABLE flight (
	k INTEGER PRIMARY KEY,
	pid INTEGER, uid INTEGER, oom_score_adj INTEGER, sampled_us INTEGER, start_us INTEGER, points INTEGER,
	rss_pages INTEGER, swap_pages INTEGER, pgtables_bytes INTEGER, growth_pages INTEGER, growth_us INTEGER,
	comm TEXT, cgroup TEXT, cmdline TEXT
);
INSERT INTO flight VALUES(3145728,77,0,NULL,NULL,NULL,NULL,900,NULL,NULL,10,5000000,'hog','/shop/back','hog -v');
CREATE TABLE recorder (
	host_id INTEGER NOT NULL REFERENCES host (host_id),
	boot_id TEXT NOT NULL,
	next_line INTEGER, -- record of /dev/kmsg to go on with
	oom_kill INTEGER, -- of /proc/vmstat, when it was last compared
	kills INTEGER, -- accounted for by then, of those that it counts
	log_lost INTEGER, -- records of the kernel log that nobody could read
	facts_lost INTEGER, -- by the feeds
	seen_us INTEGER, -- UTC of this writing
	PRIMARY KEY (host_id, boot_id)
) WITHOUT ROWID;
INSERT INTO recorder VALUES(1,'b0a7',10,3,3,0,0,1732098480123456);
CREATE INDEX host_name ON host (hostname, machine_id);
CREATE INDEX event_host ON event (host_id);
CREATE VIEW v_host AS
SELECT host_id, hostname, machine_id FROM host;
CREATE VIEW v_memory AS
SELECT event_id, node, zone, name,
	CASE unit WHEN 'kB' THEN value WHEN 'bytes' THEN value / 1024 WHEN 'pages' THEN value * page_size / 1024 END AS value_kb,
	area, value, unit, text
FROM (
	SELECT e.event_id, e.page_size, json_extract(s.shape, '$.area') AS area, json_extract(s.shape, '$.node') AS node,
		CASE json_type(g.value, '$[2]') WHEN 'integer' THEN json_extract(s.shape, '$.zone')
			ELSE json_extract(g.value, '$[2]') END AS zone,
		json_extract(f.value, '$[0]') AS name, json_extract(f.value, '$[1]') AS unit,
		CASE json_type(g.value, '$[' || (f.key + 3) || ']')
			WHEN 'array' THEN json_extract(g.value, '$[' || (f.key + 3) || '][0]')
			ELSE json_extract(g.value, '$[' || (f.key + 3) || ']') END AS value,
		json_extract(g.value, '$[' || (f.key + 3) || '][1]') AS text
	FROM evidence AS v
	JOIN event AS e ON e.event_id = v.event_id
	JOIN json_each(v.memory) AS g
	JOIN shape AS s ON s.shape_id = json_extract(g.value, '$[0]')
	JOIN json_each(s.shape, '$.facts') AS f
);
CREATE VIEW v_note AS
SELECT e.event_id, n.line, n.kind, n.text
FROM event AS e
JOIN note AS n ON n.k >= e.event_id << 20 AND n.k < (e.event_id + 1) << 20;
CREATE INDEX event_time ON event (wall_us);
CREATE VIEW v_event AS
SELECT e.event_id, e.host_id, h.hostname, e.boot_id, e.kernel,
	e.boot_us AS monotonic_us,
	strftime('%Y-%m-%dT%H:%M:%S', e.wall_us / 1000000, 'unixepoch') || printf('.%06dZ', e.wall_us % 1000000) AS realtime,
	e.stamp, e.wall_us,
	e.trigger_pid, e.trigger_comm, e.trigger_uid, e.trigger_adj,
	coalesce(e.gfp_raw, printf('0x%x', e.gfp_mask)) AS gfp_mask, e.gfp_flags, e."order" AS alloc_order,
	e.scope, e."constraint" AS constraint_name, e.oom_memcg, e.task_memcg,
	e.memcg_usage_kb, e.memcg_limit_kb, e.swap_total_kb, e.swap_free_kb, e.ram_pages,
	CASE WHEN d.totalpages_lo = d.totalpages_hi THEN d.totalpages_lo ELSE e.total_pages END AS totalpages,
	e.page_size, e.outcome, d.verdict, d.reason, d.text AS verdict_text, d.profile, d.engine,
	v.pid AS victim_pid, v.comm AS victim_comm, v.uid AS victim_uid,
	CASE d.unit WHEN 'pages' THEN d.margin END AS margin_pages,
	e.table_complete, e.path, e.first_line, e.last_line, e.fingerprint,
	e.origin, e.feeds, e.ballot, e.ballot_lost, l.class
FROM event AS e
JOIN host AS h ON h.host_id = e.host_id
LEFT JOIN verdict AS d ON d.event_id = e.event_id
LEFT JOIN victim AS v ON v.k = e.event_id << 20
LEFT JOIN life AS l ON l.k = e.event_id << 20;
CREATE VIEW v_candidate AS
SELECT e.event_id, t.pid, t.pid + t.tgid_off AS tgid, t.uid, t.comm,
	t.total_vm_pages AS total_vm, t.rss_pages AS rss, t.swap_pages AS swapents, t.pgtables_bytes, t.oom_score_adj,
	t.points, t.rank, t.why_not = 0 AS eligible, (SELECT w.name FROM why_not AS w WHERE w.code = t.why_not) AS why_not,
	coalesce(t.points_lo, t.points) AS points_min, coalesce(t.points_hi, t.points) AS points_max,
	t.rss_anon_pages AS rss_anon, t.rss_file_pages AS rss_file, t.rss_shmem_pages AS rss_shmem,
	t.nr_ptes, t.nr_pmds, t.cpu, t.oom_adj, r.cgroup, r.kernel_points,
	coalesce(e.at_table + 1, 0) + (t.k & 1048575) + t.line_off AS line, r.kernel_flags
FROM event AS e
JOIN task AS t ON t.k >= e.event_id << 20 AND t.k < (e.event_id + 1) << 20
LEFT JOIN task_recorded AS r ON r.k = t.k;
CREATE VIEW v_life AS
SELECT event_id, pid, tgid, uid, comm, class, cgroup, freed_by,
	marked_us - selected_us AS mark_latency_us, reap_start_us - marked_us AS reap_latency_us,
	memory_free_us - marked_us AS free_latency_us,
	start_us, selected_us, killed_us, marked_us, queued_us, woken_us, reap_start_us, reap_end_us, reap_skips,
	exit_begin_us, exit_end_us, freed_us, aborted_rounds, next_selected_us
FROM (
	SELECT e.event_id, l.*, CASE l.freed_by WHEN 'reaper' THEN l.reap_end_us WHEN 'exit_mmap' THEN l.exit_end_us END
		AS memory_free_us
	FROM event AS e
	JOIN life AS l ON l.k >= e.event_id << 20 AND l.k < (e.event_id + 1) << 20
);
CREATE VIEW v_victim AS
SELECT e.event_id, v.pid, v.comm, v.uid, v.role,
	v.total_vm_kb, v.anon_rss_kb, v.file_rss_kb, v.shmem_rss_kb, v.pgtables_kb, v.oom_score_adj,
	v.reap AS reap_outcome, v.reap_us - v.killed_us AS reap_latency_us,
	v.reap_anon_rss_kb AS anon_rss_kb_after, v.killed_us, v.line, v.reap_line,
	l.class, l.freed_by, l.marked_us - l.selected_us AS mark_latency_us,
	CASE l.freed_by WHEN 'reaper' THEN l.reap_end_us WHEN 'exit_mmap' THEN l.exit_end_us END - l.marked_us
		AS free_latency_us
FROM event AS e
JOIN victim AS v ON v.k >= e.event_id << 20 AND v.k < (e.event_id + 1) << 20
LEFT JOIN life AS l ON l.k = (
	SELECT min(x.k) FROM life AS x
	WHERE x.k >= e.event_id << 20 AND x.k < (e.event_id + 1) << 20 AND (x.tgid = v.pid OR x.pid = v.pid)
);
CREATE VIEW v_flight AS
SELECT e.event_id, f.pid, f.uid, f.comm, f.oom_score_adj, f.points AS points_pages,
	f.rss_pages, f.swap_pages, f.pgtables_bytes, f.growth_pages, f.growth_us, f.sampled_us, f.start_us,
	f.cgroup, f.cmdline
FROM event AS e
JOIN flight AS f ON f.k >= e.event_id << 20 AND f.k < (e.event_id + 1) << 20;
CREATE VIEW v_recorder AS
SELECT r.host_id, h.hostname, r.boot_id,
	strftime('%Y-%m-%dT%H:%M:%S', r.seen_us / 1000000, 'unixepoch') || printf('.%06dZ', r.seen_us % 1000000) AS seen,
	r.oom_kill, r.kills, r.facts_lost, r.log_lost AS log_records_lost,
	coalesce(c.logged, 0) AS logged, coalesce(c.rate_limited, 0) AS rate_limited,
	coalesce(c.already_exiting, 0) AS already_exiting, coalesce(c.group_member, 0) AS group_member,
	coalesce(c.log_lost, 0) AS log_lost, r.next_line, r.seen_us
FROM recorder AS r
JOIN host AS h ON h.host_id = r.host_id
LEFT JOIN (
	SELECT e.host_id, e.boot_id, sum(l.class = 'logged') AS logged, sum(l.class = 'rate_limited') AS rate_limited,
		sum(l.class = 'already_exiting') AS already_exiting, sum(l.class = 'group_member') AS group_member,
		sum(l.class = 'log_lost') AS log_lost
	FROM life AS l
	JOIN event AS e ON e.event_id = l.k >> 20
	GROUP BY e.host_id, e.boot_id
) AS c ON c.host_id = r.host_id AND c.boot_id = r.boot_id;
CREATE VIEW v_trace AS
SELECT host_id, boot_id, monotonic_us, name, pid, comm, detail, feed FROM trace;
COMMIT;
